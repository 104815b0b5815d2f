/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull_models.c - public models with the address of their authors' own release, their licence, and the SHA-256 and size
 * of every file taken from it. An address is only a place to look: what does not have these sums is refused.
 */
#include "cli/pull.h"

const ting_pull_model ting_pull_models[] = {
    {
        .name = "zipformer-wenetspeech-3.3m",
        .about = "streaming Zipformer transducer, pinyin tokens, 3 M parameters, trained on WenetSpeech (10,000 h)",
        .url = "https://github.com/k2-fsa/sherpa-onnx/releases/download/kws-models/"
               "sherpa-onnx-kws-zipformer-wenetspeech-3.3M-2024-01-01-mobile.tar.bz2",
        .license = "Apache-2.0",
        .authors = "k2-fsa (icefall, egs/wenetspeech/KWS/zipformer)",
        .most = 64 << 20,
        .to_gguf = true,
        .members = {
            {"encoder-epoch-12-avg-2-chunk-16-left-64.int8.onnx", "encoder-epoch-12-avg-2-chunk-16-left-64.int8.onnx",
             "4ded45b30961270f2a9a64bede4569b324c36d4f3a772c1b35bb70a244150675", 3990821},
            {"decoder-epoch-12-avg-2-chunk-16-left-64.onnx", "decoder-epoch-12-avg-2-chunk-16-left-64.onnx",
             "fb581d6734511676e246e0dff2fea01b31b0913176cb3ca64576dbab0a177774", 675349},
            {"joiner-epoch-12-avg-2-chunk-16-left-64.int8.onnx", "joiner-epoch-12-avg-2-chunk-16-left-64.int8.onnx",
             "f79760052b87239e325f0567c752ad3130b30d92effb847d4307743c20c59a24", 65242},
            {"tokens.txt", "tokens.txt",
             "72316508d9119696145abc6f1f8cdc46287535c34e5ce7e595f845cb1499cf2e", 1627},
        },
    },
    {
        .name = "g2pm",
        .about = "readings of Chinese characters with several readings: BiLSTM and dictionary",
        .url = "https://github.com/kakaobrain/g2pM/archive/refs/heads/master.tar.gz",
        .license = "Apache-2.0",
        .authors = "kakaobrain (g2pM)",
        .most = 256 << 20,
        .members = {
            {"g2pM/char2idx.pkl", "char2idx.pkl",
             "e41861f3af2debb342d3555d970db47b22e5d35c8e0190722dfb9b39c941988c", 85262},
            {"g2pM/class2idx.pkl", "class2idx.pkl",
             "b17a497ee9618e6d5c2f7814ab7f847d80a3cb757e92423774781e4d3dc56c49", 14000},
            {"g2pM/digest_cedict.pkl", "digest_cedict.pkl",
             "71e727a041a1d7023a1fbe32bbc23d5f4aa85a9d67fe4d6502fc398ef30b875c", 379072},
            {"g2pM/np_ckpt.pkl", "np_ckpt.pkl",
             "5b38c21cbaeb5f9b2f5d0bf872487de0fc22f91a3b26189b7d998136d2c8d3ae", 1607180},
            {"LICENSE", "LICENSE", "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4", 11357},
        },
    },
    {.name = NULL},
};
