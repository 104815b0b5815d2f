/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c - safetensors: parsing, metadata, a look at each tensor's ends. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "model/safetensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_safetensors file;
    if (ting_safetensors_parse(bytes, size, &file) == TING_OK) {
        ting_safetensors_metadata(&file, "kind");
        for (size_t i = 0; i < file.table.count; i++) {
            const ting_stored *tensor = &file.table.items[i].tensor;
            size_t elements = ting_stored_elements(tensor);
            if (elements > 0) {
                ting_stored_value(tensor, 0);
                ting_stored_value(tensor, elements - 1);
            }
        }
    }
    ting_safetensors_close(&file);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char header[] = "{\"__metadata__\":{\"kind\":\"x\"},"
                                 "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
                                 "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
                                 "\"c\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[16,18]}}";
    unsigned char bytes[512] = {0};
    uint64_t length = sizeof header - 1;
    memcpy(bytes, &length, sizeof length);
    memcpy(bytes + sizeof length, header, sizeof header - 1);
    take(self, bytes, sizeof length + sizeof header - 1 + 18);
}
