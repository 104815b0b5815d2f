/* SPDX-License-Identifier: Apache-2.0 */
/* torch.c - see torch.h. */
#include "support/torch.h"

#include "support/support.h"
#include "support/zips.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static void add_number(ting_str *out, uint32_t value)
{
    const unsigned char bytes[5] = {'J', (unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
                                    (unsigned char)(value >> 24)};
    ting_str_add_bytes(out, (const char *)bytes, 5);
}

static void add_text(ting_str *out, const char *text)
{
    const uint32_t length = (uint32_t)strlen(text);
    const unsigned char bytes[5] = {'X', (unsigned char)length, (unsigned char)(length >> 8), 0, 0};
    ting_str_add_bytes(out, (const char *)bytes, 5);
    ting_str_add(out, text);
}

/* _rebuild_tensor_v2((storage, FloatStorage, key, cpu, elements), 0, size, stride, False, OrderedDict()) */
static void add_tensor(ting_str *out, size_t index, const ting_stored *tensor)
{
    char key[24];
    snprintf(key, sizeof key, "%zu", index);
    ting_str_add(out, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_text(out, "storage");
    ting_str_add(out, "ctorch\nFloatStorage\n");
    add_text(out, key);
    add_text(out, "cpu");
    add_number(out, (uint32_t)ting_stored_elements(tensor));
    ting_str_add(out, "tQ");
    add_number(out, 0);
    ting_str_add(out, "(");
    for (int d = 0; d < tensor->dims; d++)
        add_number(out, (uint32_t)tensor->shape[d]);
    ting_str_add(out, "t(");
    for (int d = 0; d < tensor->dims; d++) {
        uint32_t stride = 1;
        for (int k = d + 1; k < tensor->dims; k++)
            stride *= (uint32_t)tensor->shape[k];
        add_number(out, stride);
    }
    ting_str_add(out, "t\x89" "ccollections\nOrderedDict\n)RtR");
}

void ting_write_torch(const char *path, const ting_torch_tensor *tensors, size_t count)
{
    ting_str program = {0};
    char(*names)[40] = ting_alloc(count, sizeof *names);
    ting_zip_part *parts = ting_alloc(count + 1, sizeof *parts);
    ting_str_add(&program, "\x80\x02}(");
    for (size_t i = 0; i < count; i++) {
        add_text(&program, tensors[i].name);
        add_tensor(&program, i, &tensors[i].tensor);
        snprintf(names[i], sizeof names[i], "archive/data/%zu", i);
        parts[i + 1] = (ting_zip_part){names[i], tensors[i].tensor.data, tensors[i].tensor.bytes};
    }
    ting_str_add(&program, "u.");
    parts[0] = (ting_zip_part){"archive/data.pkl", program.text, program.length};
    ting_write_zip(path, parts, count + 1, false);
    ting_str_free(&program);
    ting_free(names);
    ting_free(parts);
}
