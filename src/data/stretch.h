/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stretch.h - sounds made longer or shorter: with pitch (resampling) and without (WSOLA).
 */
#ifndef TING_DATA_STRETCH_H
#define TING_DATA_STRETCH_H

#include "data/sound.h"

/* As a tape that runs `speed` times as fast: length / speed, pitch and formants * speed. 0.1 to 10, taken to the next
 * multiple of 1/16000 (*speed becomes what was done). Error: memory; the sound is then as it was. */
ting_err ting_sound_speed(ting_sound *sound, double *speed);

/*
 * Length * factor (rounded), pitch as before; 0.25 to 4. WSOLA (Verhelst and Roelands, ICASSP 1993): windows of 32 ms,
 * 16 ms apart, each moved by up to 12 ms to where it goes on best from the one before. Factor 1 gives the same samples
 * but for rounding. Error: memory; the sound is then as it was.
 */
ting_err ting_sound_stretch(ting_sound *sound, double factor);

#endif
