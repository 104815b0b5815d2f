/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ffmpeg.c - m4a, mp4, webm and what else FFmpeg's libraries decode; only in builds with WITH_FFMPEG=1.
 *
 * The best sound stream is decoded; swresample turns its sample type and channel order into interleaved
 * floats and nothing else, so that mixing and resampling stay those of every other format. Encoder delay and
 * padding are dropped by the decoder as the container tells it.
 */
#include "audio/source.h"

#include "base/mem.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>

#include <stdio.h>
#include <string.h>

enum { IO_BYTES = 32768, MOST_BROKEN = 256 }; /* packets in a row that do not decode: then the rest is given up */

typedef struct ffmpeg_source {
    ting_input *input;
    AVIOContext *io;
    AVFormatContext *container;
    AVCodecContext *codec;
    SwrContext *convert;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    int rate, channels;
    bool drained, cut; /* cut: before the end */
    int broken;        /* failures since the last frame */
    ting_err failure; /* of the input, seen inside a callback */
    float *ready;     /* decoded frames not yet given away */
    size_t ready_room, ready_start, ready_count;
} ffmpeg_source;

static int input_read(void *self, uint8_t *bytes, int max)
{
    ffmpeg_source *source = self;
    size_t count = 0;
    source->failure = ting_input_read(source->input, bytes, (size_t)max, &count);
    if (source->failure != TING_OK)
        return AVERROR(EIO);
    return count > 0 ? (int)count : AVERROR_EOF;
}

static int64_t input_seek(void *self, int64_t offset, int whence)
{
    ffmpeg_source *source = self;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return source->input->size;
    int64_t from = whence == SEEK_CUR   ? source->input->position
                   : whence == SEEK_END ? source->input->size
                                        : 0;
    if ((offset > 0 && from > INT64_MAX - offset) ||
        ting_input_seek(source->input, from + offset) != TING_OK)
        return AVERROR(EINVAL);
    return source->input->position;
}

static ting_err fail_av(const ffmpeg_source *source, int code, const char *what)
{
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    if (source->failure != TING_OK)
        return source->failure;
    av_strerror(code, reason, sizeof reason);
    return ting_fail(TING_ERR_FORMAT, "%s: %s: %s", source->input->name, what, reason);
}

/* Turns source->frame into floats behind those that are ready (none are, when this is called). */
static ting_err take_frame(ffmpeg_source *source)
{
    ting_err err = TING_OK;
    size_t count = (size_t)source->frame->nb_samples, channels = (size_t)source->channels;
    if (source->frame->ch_layout.nb_channels != source->channels ||
        source->frame->sample_rate != source->rate)
        FAIL(TING_ERR_UNSUPPORTED, "%s: the sound changes its rate or channels on the way",
             source->input->name);
    if (count > source->ready_room) {
        float *grown = ting_grow(source->ready, source->ready_room * channels, count * channels,
                                 sizeof *grown);
        if (grown == NULL)
            return TING_ERR_MEMORY;
        source->ready = grown;
        source->ready_room = count;
    }
    uint8_t *to = (uint8_t *)source->ready;
    const uint8_t **from = (const uint8_t **)(void *)source->frame->extended_data;
    int made = swr_convert(source->convert, &to, (int)source->ready_room, from, (int)count);
    if (made < 0)
        return fail_av(source, made, "decoded sound cannot be converted");
    source->ready_start = 0;
    source->ready_count = (size_t)made;
out:
    return err;
}

/* The next packet to the decoder; at the end of the container it gives out what it still holds. */
static ting_err send_more(ffmpeg_source *source)
{
    int code = av_read_frame(source->container, source->packet);
    if (source->failure != TING_OK)
        return source->failure;
    if (code < 0) {
        source->cut = source->cut || code != AVERROR_EOF;
        avcodec_send_packet(source->codec, NULL);
    } else if (source->packet->stream_index == source->stream) {
        avcodec_send_packet(source->codec, source->packet);
    }
    av_packet_unref(source->packet);
    return TING_OK;
}

/* Decodes until frames are ready or the end is reached. A packet that does not decode is skipped, as players do; only the
 * decoder's own end, or too many such packets in a row, end the sound. */
static ting_err decode_more(ffmpeg_source *source)
{
    ting_err err = TING_OK;
    while (source->ready_count == 0 && !source->drained) {
        int code = avcodec_receive_frame(source->codec, source->frame);
        if (code == 0) {
            err = take_frame(source);
            av_frame_unref(source->frame);
            if (err != TING_OK)
                goto out;
            source->broken = 0;
        } else if (code == AVERROR(EAGAIN)) {
            TRY(send_more(source));
        } else if (code == AVERROR_EOF) {
            source->drained = true;
        } else if (code == AVERROR(ENOMEM)) {
            FAIL(TING_ERR_MEMORY, "%s: no memory for decoding", source->input->name);
        } else if (++source->broken > MOST_BROKEN) {
            source->drained = source->cut = true;
        }
    }
out:
    return err;
}

static ting_err read_frames(void *self, float *interleaved, size_t max, size_t *count)
{
    ting_err err = TING_OK;
    ffmpeg_source *source = self;
    size_t channels = (size_t)source->channels;
    *count = 0;
    while (*count < max) {
        TRY(decode_more(source));
        size_t piece = source->ready_count < max - *count ? source->ready_count : max - *count;
        if (piece == 0)
            break;
        memcpy(interleaved + *count * channels, source->ready + source->ready_start * channels,
               piece * channels * sizeof(float));
        source->ready_start += piece;
        source->ready_count -= piece;
        *count += piece;
    }
out:
    return err;
}

static void close_source(void *self)
{
    ffmpeg_source *source = self;
    av_frame_free(&source->frame);
    av_packet_free(&source->packet);
    swr_free(&source->convert);
    avcodec_free_context(&source->codec);
    avformat_close_input(&source->container);
    if (source->io != NULL)
        av_freep(&source->io->buffer);
    avio_context_free(&source->io);
    ting_free(source->ready);
    ting_free(source);
}

static ting_err open_container(ffmpeg_source *source)
{
    unsigned char *buffer = av_malloc(IO_BYTES);
    if (buffer != NULL)
        source->io = avio_alloc_context(buffer, IO_BYTES, 0, source, input_read, NULL, input_seek);
    if (source->io == NULL)
        av_free(buffer);
    source->container = avformat_alloc_context();
    if (source->io == NULL || source->container == NULL)
        return ting_fail(TING_ERR_MEMORY, "%s: no memory for FFmpeg", source->input->name);
    source->container->pb = source->io;
    int code = avformat_open_input(&source->container, NULL, NULL, NULL);
    if (code < 0)
        return fail_av(source, code, "no sound file that this program can read");
    code = avformat_find_stream_info(source->container, NULL);
    if (code < 0)
        return fail_av(source, code, "its streams cannot be found");
    return TING_OK;
}

static ting_err open_codec(ffmpeg_source *source)
{
    const AVCodec *decoder = NULL;
    source->stream =
        av_find_best_stream(source->container, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
    if (source->stream < 0 || decoder == NULL)
        return ting_fail(TING_ERR_FORMAT, "%s: holds no sound that can be decoded",
                         source->input->name);
    const AVCodecParameters *given = source->container->streams[source->stream]->codecpar;
    source->codec = avcodec_alloc_context3(decoder);
    source->packet = av_packet_alloc();
    source->frame = av_frame_alloc();
    if (source->codec == NULL || source->packet == NULL || source->frame == NULL)
        return ting_fail(TING_ERR_MEMORY, "%s: no memory for FFmpeg", source->input->name);
    int code = avcodec_parameters_to_context(source->codec, given);
    source->codec->pkt_timebase = source->container->streams[source->stream]->time_base;
    source->codec->thread_count = 1;
    if (code >= 0)
        code = avcodec_open2(source->codec, decoder, NULL);
    if (code < 0)
        return fail_av(source, code, "its codec cannot be opened");
    source->rate = source->codec->sample_rate;
    source->channels = source->codec->ch_layout.nb_channels;
    ting_err err = ting_pcm_check(source->input->name, source->rate, source->channels);
    if (err != TING_OK)
        return err;
    code = swr_alloc_set_opts2(&source->convert, &source->codec->ch_layout, AV_SAMPLE_FMT_FLT,
                               source->rate, &source->codec->ch_layout, source->codec->sample_fmt,
                               source->rate, 0, NULL);
    if (code >= 0)
        code = swr_init(source->convert);
    return code < 0 ? fail_av(source, code, "its sample type cannot be converted") : TING_OK;
}

bool ting_source_ffmpeg_knows(const ting_input *input)
{
    unsigned char padded[TING_INPUT_PEEK + AVPROBE_PADDING_SIZE] = {0};
    int score = AVPROBE_SCORE_RETRY; /* not above it: a guess */
    memcpy(padded, input->peek, input->peeked);
    const AVProbeData probe = {.filename = "", .buf = padded, .buf_size = (int)input->peeked};
    return av_probe_input_format2(&probe, 1, &score) != NULL;
}

ting_err ting_source_ffmpeg_open(ting_input *input, ting_audio_source *out)
{
    ting_err err = TING_OK;
    ffmpeg_source *source = ting_alloc(1, sizeof *source);
    *out = (ting_audio_source){0};
    if (source == NULL)
        return TING_ERR_MEMORY;
    source->input = input;
    av_log_set_level(AV_LOG_QUIET);
    TRY(ting_input_seek(input, 0));
    TRY(open_container(source));
    TRY(open_codec(source));
    *out = (ting_audio_source){.self = source, .read = read_frames, .close = close_source};
    out->cut = &source->cut;
    out->rate = source->rate;
    out->channels = source->channels;
    int64_t duration =
        source->container->duration; /* microseconds; an estimate, so only for progress */
    out->frames = -1;
    if (duration > 0 && duration < INT64_MAX / TING_MAX_RATE)
        out->estimate = duration * source->rate / AV_TIME_BASE;
    snprintf(out->format, sizeof out->format, "%.30s, %.30s", source->container->iformat->name,
             source->codec->codec->name);
out:
    if (err != TING_OK)
        close_source(source);
    return err;
}
