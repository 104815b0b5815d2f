/* SPDX-License-Identifier: Apache-2.0 */
/* torch.h - checkpoints as torch.save writes them (a zip archive with a pickle of protocol 2), for tests of importers. */
#ifndef TING_TESTS_TORCH_H
#define TING_TESTS_TORCH_H

#include "nn/param.h"

typedef struct ting_torch_tensor {
    const char *name;
    ting_stored tensor; /* F32 */
} ting_torch_tensor;

/* A state dict of `count` tensors. Fails the test when it cannot. */
void ting_write_torch(const char *path, const ting_torch_tensor *tensors, size_t count);

#endif
