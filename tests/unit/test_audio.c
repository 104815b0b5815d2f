/* SPDX-License-Identifier: Apache-2.0 */
/* test_audio.c - every container, rate and channel count; block sizes; pipes; each kind of broken sound. */
#include "support/support.h"

#include "support/failing.h"

#include "audio/audio.h"
#include "audio/pcm.h"
#include "audio/resample.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const double PI = 3.14159265358979323846;

/* A sine of 440 (c + 1) Hz and amplitude 0.5 in channel c. */
static double tone(int channel, double seconds)
{
    return 0.5 * sin(2 * PI * 440 * (channel + 1) * seconds);
}

/* Writes `frames` frames of tone() in a libsndfile format; returns the owned path. */
static char *write_tone(const char *name, int format, int rate, int channels, int frames)
{
    char *path = ting_temp_path(name);
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    if (file == NULL)
        fail_msg("%s: %s", path, sf_strerror(NULL));
    double *samples = ting_alloc((size_t)frames * (size_t)channels, sizeof *samples);
    for (int i = 0; i < frames; i++)
        for (int c = 0; c < channels; c++)
            samples[i * channels + c] = tone(c, (double)i / rate);
    assert_int_equal(sf_writef_double(file, samples, frames), frames);
    sf_close(file);
    ting_free(samples);
    return path;
}

/* Root mean square of samples - factor tone(channel), without 20 ms at both ends, over that of the tone. */
static double tone_error(const float *samples, size_t count, int channel, size_t shift)
{
    double error = 0, power = 0;
    for (size_t i = 320; i + 320 < count; i++) {
        double want = tone(channel, ((double)i - (double)shift) / 16000);
        error += ((double)samples[i] - want) * ((double)samples[i] - want);
        power += want * want;
    }
    return sqrt(error / power);
}

static void every_container_is_read(void **state)
{
    (void)state;
    /* Largest relative error: quantisation step / sqrt(12) over 0.35, doubled; for lossy codecs what they reach on
     * a sine (mu-law and A-law have 13 dB under 8 bits' worth of floating point: 0.02). */
    static const struct {
        const char *name;
        int format, rate;
        double error;
    } cases[] = {
        {"u8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 16000, 0.013},
        {"s16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"s24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 16000, 2.0e-7},
        {"s32.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 16000, 1.0e-7},
        {"f32.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1.0e-7},
        {"f64.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 16000, 1.0e-7},
        {"ulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 16000, 0.02},
        {"alaw.wav", SF_FORMAT_WAV | SF_FORMAT_ALAW, 16000, 0.02},
        {"ima.wav", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 0.05},
        {"ex.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"exf.wav", SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, 16000, 1.0e-7},
        {"rf64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"big.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 16000, 5.1e-5},
        {"w64.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"s16.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"s24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 44100, 1.0e-3},
        {"s16.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"f32.aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 16000, 1.0e-7},
        {"ulaw.au", SF_FORMAT_AU | SF_FORMAT_ULAW, 8000, 0.02},
        {"s16.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16, 16000, 5.1e-5},
        {"vorbis.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 16000, 0.05},
        {"opus.opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 0.05},
        {"l3.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 16000, 0.05},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int channels = 1; channels <= 2; channels++) {
            float *samples = NULL;
            size_t count = 0;
            ting_audio_info info = {0};
            char *path = write_tone(cases[i].name, cases[i].format, cases[i].rate, channels,
                                    2 * cases[i].rate);
            ting_audio_options second = {.channel = channels};
            assert_ok(ting_audio_load(path, &second, &samples, &count, &info));
            if (count < 32000 || count > 32000 + 2 * 1152) /* MP3 rounds up to its frames */
                fail_msg("%s: %zu samples of 32000 (%s)", cases[i].name, count, info.format);
            assert_false(info.truncated);
            assert_int_equal(info.channels, channels);
            assert_int_equal(info.expected, (long long)count);
            double error = tone_error(samples, count < 32000 ? count : 32000, channels - 1, 0);
            if (!(error <= cases[i].error))
                fail_msg("%s, %d channels (%s): relative error %.3g, expected at most %.3g",
                         cases[i].name, channels, info.format, error, cases[i].error);
            ting_free(samples);
            ting_free(path);
        }
    }
}

static void integers_are_divided_by_full_scale(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x00, 0x80, 0xFF, 0x7F, 0x00, 0x40, 0x00, 0x00};
    static const float s16[] = {-1.0f, 32767.0f / 32768.0f, 0.5f, 0.0f};
    static const float u8[] = {-1.0f, 0.0f,  127.0f / 128.0f, -1.0f / 128.0f,
                               -1.0f, -0.5f, -1.0f,           -1.0f};
    float got[8];
    ting_pcm_decode(TING_PCM_S16LE, bytes, 4, got);
    assert_memory_equal(got, s16, sizeof s16);
    ting_pcm_decode(TING_PCM_U8, bytes, 8, got);
    assert_memory_equal(got, u8, sizeof u8);
    ting_pcm_decode(TING_PCM_S32LE, bytes, 2, got);
    assert_float_equal(got[0], 2147450880.0 / 2147483648.0, 1e-7); /* 0x7FFF8000 */
    ting_pcm_decode(TING_PCM_S24LE, bytes, 2, got);
    assert_float_equal(got[0], -32768.0 / 8388608.0, 1e-9); /* 0xFF8000 */
    /* G.711, table 2: code 0x00 of mu-law is -8031 of 8159 on 14 bits, 0xFF is 0; A-law 0x2A is -4032 of 4096
     * on 13 bits. On 16 bits: -32124 and -32256. */
    static const unsigned char codes[] = {0x00, 0xFF, 0x80, 0x2A, 0xD5};
    ting_pcm_decode(TING_PCM_MULAW, codes, 3, got);
    assert_float_equal(got[0], -32124.0 / 32768.0, 0);
    assert_float_equal(got[1], 0, 0);
    assert_float_equal(got[2], 32124.0 / 32768.0, 0);
    ting_pcm_decode(TING_PCM_ALAW, codes + 3, 2, got);
    assert_float_equal(got[0], -32256.0 / 32768.0, 0);
    assert_float_equal(got[1], 8.0 / 32768.0, 0);
}

static void any_rate_and_channel_count(void **state)
{
    (void)state;
    static const int rates[] = {8000,  11025, 12000, 16000, 22050, 24000,
                                32000, 44100, 48000, 88200, 96000, 192000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        for (int extra = 0; extra < 3; extra++) {
            int frames = rates[i] + extra, channels = extra == 0 ? 6 : 1;
            char *path =
                write_tone("rate.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, rates[i], channels, frames);
            float *samples = NULL;
            size_t count = 0;
            ting_audio_info info = {0};
            assert_ok(ting_audio_load(path, &(ting_audio_options){.channel = 1}, &samples, &count,
                                      &info));
            /* The length rule, in doubles: exact here, all numbers are below 2^53. */
            assert_int_equal(count, (size_t)floor(frames * 16000.0 / rates[i] + 0.5));
            assert_int_equal(info.expected, (long long)count);
            /* soxr HQ keeps 20 bits; the ends are left out because the sine starts and stops there. */
            double error = tone_error(samples, count, 0, 0);
            if (!(error <= 2e-4))
                fail_msg("%d Hz: relative error %.3g", rates[i], error);
            ting_free(samples);
            ting_free(path);
        }
    }
}

static void channels_are_averaged_or_chosen(void **state)
{
    (void)state;
    char *path = write_tone("six.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 6, 8000);
    float *samples = NULL;
    size_t count = 0;
    assert_ok(ting_audio_load(path, NULL, &samples, &count, NULL));
    for (size_t i = 0; i < count; i++) {
        double mean = 0;
        for (int c = 0; c < 6; c++)
            mean += tone(c, (double)i / 16000) / 6;
        assert_float_equal(samples[i], mean, 1e-7);
    }
    ting_free(samples);
    for (int c = 1; c <= 6; c++) {
        assert_ok(
            ting_audio_load(path, &(ting_audio_options){.channel = c}, &samples, &count, NULL));
        assert_float_equal(samples[9], tone(c - 1, 9.0 / 16000), 1e-7);
        ting_free(samples);
    }
    assert_fails(
        TING_ERR_ARGUMENT, "channel 7 was asked for, but it has 6",
        ting_audio_load(path, &(ting_audio_options){.channel = 7}, &samples, &count, NULL));
    assert_fails(
        TING_ERR_ARGUMENT, "channel -1",
        ting_audio_load(path, &(ting_audio_options){.channel = -1}, &samples, &count, NULL));
    ting_free(path);
}

static void block_size_does_not_matter(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 160, 1023, 1024, 1025, 4096, 100000};
    for (int rate = 16000; rate <= 44100; rate += 28100) {
        char *path = write_tone("blocks.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, rate, 2, rate + 77);
        float *whole = NULL, *pieces = NULL;
        size_t count = 0;
        assert_ok(ting_audio_load(path, NULL, &whole, &count, NULL));
        pieces = ting_alloc(count + 1, sizeof *pieces);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            ting_audio *audio = NULL;
            size_t total = 0, got = 0;
            assert_ok(ting_audio_open(path, NULL, &audio));
            do {
                size_t room = count + 1 - total < sizes[i] ? count + 1 - total : sizes[i];
                assert_ok(ting_audio_read(audio, pieces + total, room, &got));
                total += got;
            } while (got > 0);
            assert_int_equal(total, count);
            assert_memory_equal(pieces, whole, count * sizeof *whole);
            assert_ok(ting_audio_read(audio, pieces, 1, &got)); /* the end stays the end */
            assert_int_equal(got, 0);
            ting_audio_close(audio);
        }
        ting_free(pieces);
        ting_free(whole);
        ting_free(path);
    }
}

/* ---- pipes: a reader that gives few bytes at a time and cannot seek ---- */

struct pipe_bytes {
    const unsigned char *data;
    size_t size, position, piece;
};

static ptrdiff_t pipe_read(void *self, void *bytes, size_t max)
{
    struct pipe_bytes *pipe = self;
    size_t count = pipe->size - pipe->position;
    if (count > max)
        count = max;
    if (count > pipe->piece)
        count = pipe->piece;
    memcpy(bytes, pipe->data + pipe->position, count);
    pipe->position += count;
    return (ptrdiff_t)count;
}

static ting_err load_from_pipe(const void *data, size_t size, const char *raw, float *samples,
                               size_t room, size_t *count)
{
    struct pipe_bytes pipe = {data, size, 0, 999};
    ting_audio_bytes bytes = {.self = &pipe, .read = pipe_read};
    ting_audio *audio = NULL;
    ting_err err = ting_audio_open_bytes("pipe", &bytes, &(ting_audio_options){.raw = raw}, &audio);
    if (err != TING_OK)
        return err;
    size_t got = 0;
    for (*count = 0; *count < room; *count += got) {
        err = ting_audio_read(audio, samples + *count, room - *count, &got);
        if (err != TING_OK || got == 0)
            break;
    }
    ting_audio_close(audio);
    return err;
}

static void pipes_give_what_files_give(void **state)
{
    (void)state;
    static const int formats[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *path = write_tone("pipe.wav", formats[i], 24000, 2, 30000);
        float *want = NULL, got[21000];
        size_t count = 0, piped = 0;
        ting_file file = {0};
        assert_ok(ting_audio_load(path, NULL, &want, &count, NULL));
        assert_ok(ting_file_map(path, &file));
        assert_ok(load_from_pipe(file.data, file.size, NULL, got, 21000, &piped));
        assert_int_equal(piped, count);
        assert_memory_equal(got, want, count * sizeof *want);
        ting_file_unmap(&file);
        ting_free(want);
        ting_free(path);
    }
}

/* A WAV header of 44 bytes for s16le mono at 16 kHz. */
static void put_header(unsigned char *wav, uint32_t riff, unsigned channels, uint32_t rate,
                       uint32_t data)
{
    static const unsigned char plain[44] = "RIFF....WAVEfmt \x10\0\0\0\1\0....";
    memcpy(wav, plain, sizeof plain);
    uint32_t values[] = {riff, channels << 16 | 1, rate, rate * 2 * channels,
                         16u << 16 | 2 * channels};
    static const int places[] = {4, 20, 24, 28, 32};
    for (int i = 0; i < 5; i++)
        for (int b = 0; b < 4; b++)
            wav[places[i] + b] = (unsigned char)(values[i] >> 8 * b);
    memcpy(wav + 36, "data", 4);
    for (int b = 0; b < 4; b++)
        wav[40 + b] = (unsigned char)(data >> 8 * b);
}

static void unknown_sizes_mean_up_to_the_end(void **state)
{
    (void)state;
    static const uint32_t unknown[][2] = {{0, 0},
                                          {36, 0},
                                          {UINT32_MAX, UINT32_MAX},
                                          {0x7FFFFFFF, 0x7FFFFFDB},
                                          {0x7FFFF024, 0x7FFFF000},
                                          {0xFFFFFFFE, 0xFFFFFFDA}};
    unsigned char wav[44 + 2000];
    float got[2000], want[1000];
    size_t count = 0;
    for (int i = 0; i < 2000; i++)
        wav[44 + i] = (unsigned char)(i * 7);
    ting_pcm_decode(TING_PCM_S16LE, wav + 44, 1000, want);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        put_header(wav, unknown[i][0], 1, 16000, unknown[i][1]);
        assert_ok(load_from_pipe(wav, sizeof wav, NULL, got, 2000, &count));
        assert_int_equal(count, 1000);
        assert_memory_equal(got, want, sizeof want);
        ting_audio *audio = NULL;
        assert_ok(ting_audio_open_memory("memory", wav, sizeof wav, NULL, &audio));
        assert_ok(ting_audio_read(audio, got, 2000, &count));
        assert_int_equal(count, 1000);
        assert_false(ting_audio_describe(audio)->truncated);
        ting_audio_close(audio);
    }
    put_header(wav, 36 + 600, 1, 16000, 600); /* what follows the data chunk is no sound */
    assert_ok(load_from_pipe(wav, sizeof wav, NULL, got, 2000, &count));
    assert_int_equal(count, 300);
    put_header(wav, 36 + 2000, 1, 16000, 0); /* an empty data chunk before others */
    assert_fails(TING_ERR_FORMAT, "holds no sound",
                 load_from_pipe(wav, sizeof wav, NULL, got, 2000, &count));
}

static void raw_sound_needs_a_description(void **state)
{
    (void)state;
    static const char *const names[] = {"s8",    "u8",    "s16le", "s24le", "s32le",
                                        "f32le", "f64le", "mulaw", "alaw"};
    static const unsigned char zeros[480] = {0};
    static const size_t widths[] = {1, 1, 2, 3, 4, 4, 8, 1, 1};
    float got[481];
    size_t count = 0;
    for (size_t i = 0; i < 9; i++) {
        char raw[32];
        snprintf(raw, sizeof raw, "%s:16000:2", names[i]);
        assert_ok(load_from_pipe(zeros, sizeof zeros, raw, got, 481, &count));
        assert_int_equal(count, 480 / widths[i] / 2);
    }
    static const char *const wrong[] = {"",
                                        "s16le",
                                        "s16le:16000",
                                        "s16le:16000:",
                                        "s16le:16000:0",
                                        "s16be:16000:1",
                                        "s16le:999:1",
                                        "s16le:16000:1:1",
                                        "s16le:16000:1025",
                                        "s16le:-1:1",
                                        "s16le:99999999999999999999:1",
                                        "s16le:16000:1 ",
                                        "S16LE:16000:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(TING_ERR_ARGUMENT, "expected FORMAT:RATE:CHANNELS",
                     load_from_pipe(zeros, sizeof zeros, wrong[i], got, 481, &count));
}

/* ---- bad sound ---- */

static void last_sentence(void *self, ting_log_level level, const char *sentence)
{
    if (level == TING_LOG_WARNING)
        snprintf(self, 256, "%s", sentence);
}

static void truncated_files_give_what_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int format;
    } cases[] = {{"cut.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                 {"cut.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                 {"cut.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                 {"cut.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
                 {"cut.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16},
                 {"cut.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_tone(cases[i].name, cases[i].format, 16000, 1, 48000);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(truncate(path, status.st_size / 2 + 1), 0);
        char sentence[256] = "";
        ting_log log = {last_sentence, sentence};
        float *samples = NULL;
        size_t count = 0;
        ting_audio_info info = {0};
        assert_ok(
            ting_audio_load(path, &(ting_audio_options){.log = &log}, &samples, &count, &info));
        if (count < 16000 || count > 32000 || !info.truncated)
            fail_msg("%s: %zu samples, truncated %d", cases[i].name, count, info.truncated);
        if (strstr(sentence, "what is there is used") == NULL ||
            strstr(sentence, cases[i].name) == NULL)
            fail_msg("%s: warning \"%s\"", cases[i].name, sentence);
        ting_free(samples);
        ting_free(path);
    }
}

static ting_err open_saved(const char *name, const void *bytes, size_t size)
{
    char *path = ting_temp_path(name);
    ting_audio *audio = NULL;
    assert_ok(ting_file_save(path, bytes, size));
    ting_err err = ting_audio_open(path, NULL, &audio);
    ting_audio_close(audio);
    ting_free(path);
    return err;
}

static void bad_files_get_one_clear_sentence(void **state)
{
    (void)state;
    ting_audio *audio = NULL;
    unsigned char wav[44 + 64] = {0};
    char *folder = ting_temp_path("folder.wav");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_fails(TING_ERR_IO, "is a folder", ting_audio_open(folder, NULL, &audio));
    assert_null(audio);
    ting_free(folder);
    assert_fails(TING_ERR_IO, "No such file", ting_audio_open("/nonexistent/a.wav", NULL, &audio));
    assert_fails(TING_ERR_FORMAT, "is empty (0 bytes)", open_saved("empty.wav", "", 0));
    put_header(wav, 36, 1, 16000, 0);
    assert_fails(TING_ERR_FORMAT, "holds no sound", open_saved("zero.wav", wav, 44));
    assert_fails(TING_ERR_FORMAT, "header stops at byte 40", open_saved("head.wav", wav, 40));
    put_header(wav, 36 + 64, 0, 16000, 64);
    assert_fails(TING_ERR_FORMAT, "promises 0 channels",
                 open_saved("channels.wav", wav, sizeof wav));
    put_header(wav, 36 + 64, 1, 0, 64);
    assert_fails(TING_ERR_FORMAT, "promises 0 samples a second",
                 open_saved("rate.wav", wav, sizeof wav));
    put_header(wav, 36 + 64, 1, 4000000000u, 64);
    assert_fails(TING_ERR_FORMAT, "promises 4000000000", open_saved("rate2.wav", wav, sizeof wav));
    assert_fails(TING_ERR_FORMAT, "text.wav: no sound file",
                 open_saved("text.wav", "<html>not found</html>", 22));
    assert_fails(TING_ERR_FORMAT,
                 "noise.mp3: ", open_saved("noise.mp3", "\x01\x02\x03\x04\x05\x06\x07\x08", 8));
    static const char m4a[] = "\0\0\0\x20"
                              "ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0";
    ting_err err = open_saved("song.wav", m4a, sizeof m4a);
    if (err ==
        TING_ERR_UNSUPPORTED) /* otherwise this build has FFmpeg, which finds no streams in it */
        assert_non_null(strstr(ting_error_message(), "is an MP4, M4A or MOV file"));
    else
        assert_int_equal(err, TING_ERR_FORMAT);
    if (geteuid() != 0) {
        char *path = ting_temp_path("locked.wav");
        assert_ok(ting_file_save(path, wav, sizeof wav));
        assert_int_equal(chmod(path, 0), 0);
        assert_fails(TING_ERR_IO, "Permission denied", ting_audio_open(path, NULL, &audio));
        ting_free(path);
    }
}

static void mislabelled_files_are_read_by_content(void **state)
{
    (void)state;
    static const char *const names[] = {"really.mp3", "really.raw", "really.vox", "really.gsm",
                                        "really"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *flac = write_tone("x.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, 16000);
        char *path = ting_temp_path(names[i]);
        assert_int_equal(rename(flac, path), 0);
        float *samples = NULL;
        size_t count = 0;
        assert_ok(ting_audio_load(path, NULL, &samples, &count, NULL));
        assert_int_equal(count, 16000);
        ting_free(samples);
        ting_free(path);
        ting_free(flac);
    }
}

static void ffmpeg_reads_m4a_and_webm(void **state)
{
    (void)state;
    /* One second of tone(), AAC in two channels at 16 kHz and Opus at 48 kHz, made with FFmpeg's own encoders. */
    static const char *const paths[] = {"tests/data/tone.m4a", "tests/data/tone.webm"};
    for (int i = 0; i < 2; i++) {
        float *samples = NULL;
        size_t count = 0;
        ting_audio_info info = {0};
        ting_err err = ting_audio_load(paths[i], &(ting_audio_options){.channel = i == 0 ? 2 : 1},
                                       &samples, &count, &info);
        if (err == TING_ERR_UNSUPPORTED) {
            assert_non_null(strstr(ting_error_message(), "build it with WITH_FFMPEG=1"));
            skip_because("this build has no FFmpeg");
        }
        assert_ok(err);
        assert_int_equal(info.channels, i == 0 ? 2 : 1);
        /* AAC pads its last frame of 1024, Opus its last of 20 ms. */
        assert_in_range(count, 15990, 16000 + 1024);
        double error = tone_error(samples, count < 16000 ? count : 16000, i == 0 ? 1 : 0, 0);
        if (!(error < 0.05))
            fail_msg("%s (%s): relative error %.3g", paths[i], info.format, error);
        ting_free(samples);
    }
}

static void samples_that_are_no_numbers_have_a_place(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *sentence;
    } cases[] = {{NAN, "is not a number"},
                 {INFINITY, "is infinite"},
                 {-INFINITY, "is infinite"},
                 {1e30f, "is larger than a million"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float bad[2 * 5000] = {0};
        float *samples = NULL;
        size_t count = 0;
        char place[96];
        bad[2 * 4321 + 1] = cases[i].value;
        char *path = ting_temp_path("bad.f32");
        assert_ok(ting_file_save(path, bad, sizeof bad));
        ting_audio_options options = {.raw = "f32le:8000:2"};
        /* 4321 / 8000 = 0.540125 s */
        snprintf(place, sizeof place, "sample 4321 (0.5401 s) of channel 2 %s", cases[i].sentence);
        assert_fails(TING_ERR_NUMERIC, place,
                     ting_audio_load(path, &options, &samples, &count, NULL));
        assert_null(samples);
        ting_free(path);
    }
}

static ptrdiff_t failing_read(void *self, void *bytes, size_t max)
{
    struct pipe_bytes *pipe = self;
    return pipe->position >= 8192 ? -1 : pipe_read(self, bytes, max);
}

static void a_failing_disk_is_an_error(void **state)
{
    (void)state;
    static const unsigned char zeros[65536] = {0};
    struct pipe_bytes pipe = {zeros, sizeof zeros, 0, 4096};
    ting_audio_bytes bytes = {.self = &pipe, .read = failing_read};
    ting_audio *audio = NULL;
    float got[4096];
    size_t count = 0;
    assert_ok(
        ting_audio_open_bytes("disk", &bytes, &(ting_audio_options){.raw = "u8:16000:1"}, &audio));
    assert_ok(ting_audio_read(audio, got, 4096, &count));
    assert_fails(TING_ERR_IO, "disk: reading failed at byte 8192",
                 ting_audio_read(audio, got, 4096, &count) == TING_OK
                     ? ting_audio_read(audio, got, 4096, &count)
                     : TING_ERR_IO);
    assert_int_equal(ting_audio_read(audio, got, 1, &count), TING_ERR_IO);
    ting_audio_close(audio);
}

/* ---- long sound ---- */

/* Ten hours of stereo at 48 kHz, made up on the way: 6.9 GB of s16le. */
static ptrdiff_t endless_read(void *self, void *bytes, size_t max)
{
    int64_t *left = self;
    size_t count = (int64_t)max < *left ? max : (size_t)*left;
    memset(bytes, 0, count);
    *left -= (int64_t)count;
    return (ptrdiff_t)count;
}

static void ten_hours_need_no_more_memory_than_a_minute(void **state)
{
    (void)state;
    /* One hour of raw sound that is resampled would take seconds; ten hours at the rate delivered take as many
     * blocks and one second. */
    int64_t left = (int64_t)10 * 3600 * 16000;
    ting_audio_bytes bytes = {.self = &left, .read = endless_read};
    ting_audio *audio = NULL;
    static float samples[65536];
    size_t got = 0;
    struct rusage before, after;
    assert_ok(ting_audio_open_bytes("ten hours", &bytes, &(ting_audio_options){.raw = "s8:16000:1"},
                                    &audio));
    assert_ok(ting_audio_read(audio, samples, 65536, &got));
    getrusage(RUSAGE_SELF, &before);
    do
        assert_ok(ting_audio_read(audio, samples, 65536, &got));
    while (got > 0);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(ting_audio_describe(audio)->delivered, (int64_t)10 * 3600 * 16000);
    assert_true(after.ru_maxrss - before.ru_maxrss < 1024); /* kilobytes */
    ting_audio_close(audio);
}

static void length_rule_has_no_overflow(void **state)
{
    (void)state;
    assert_int_equal(ting_resampled_length(3, 2, 1), 2); /* 1.5 + 0.5 */
    assert_int_equal(ting_resampled_length(1, 44100, 16000), 0);
    assert_int_equal(ting_resampled_length(2, 44100, 16000), 1); /* 0.726 */
    /* 2^60 = 768000 x 1501199875790 + 158720 (Python); x 16000 / 768000 = 2^60 / 48 = 24019198012642645.33 */
    assert_int_equal(ting_resampled_length(1LL << 60, 768000, 16000), 24019198012642645LL);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    ting_audio *audio = (ting_audio *)1;
    assert_fails(TING_ERR_ARGUMENT, "3 samples a second",
                 ting_audio_open("-", &(ting_audio_options){.rate = 3}, &audio));
    assert_null(audio);
    ting_audio_close(NULL);
}

static ting_err load_once(void *arg)
{
    float *samples = NULL;
    size_t count = 0;
    ting_err err = ting_audio_load(arg, NULL, &samples, &count, NULL);
    ting_free(samples);
    return err;
}

static void failing_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    static const int formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16,
                                  SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *path = write_tone("failing", formats[i], 22050, 2, 4000);
        /* the sound, its name, the source, the resampler, three blocks, the samples */
        assert_int_equal(ting_fail_each_allocation(load_once, path), 8);
        ting_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_container_is_read),
        cmocka_unit_test(integers_are_divided_by_full_scale),
        cmocka_unit_test(any_rate_and_channel_count),
        cmocka_unit_test(channels_are_averaged_or_chosen),
        cmocka_unit_test(block_size_does_not_matter),
        cmocka_unit_test(pipes_give_what_files_give),
        cmocka_unit_test(unknown_sizes_mean_up_to_the_end),
        cmocka_unit_test(raw_sound_needs_a_description),
        cmocka_unit_test(truncated_files_give_what_is_there),
        cmocka_unit_test(bad_files_get_one_clear_sentence),
        cmocka_unit_test(mislabelled_files_are_read_by_content),
        cmocka_unit_test(ffmpeg_reads_m4a_and_webm),
        cmocka_unit_test(samples_that_are_no_numbers_have_a_place),
        cmocka_unit_test(a_failing_disk_is_an_error),
        cmocka_unit_test(ten_hours_need_no_more_memory_than_a_minute),
        cmocka_unit_test(length_rule_has_no_overflow),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(failing_allocations_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
