/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_npy.c - .npy and .npz: parsing, a look at each array's ends. */
#include "fuzz/fuzz.h"
#include "support/support.h"
#include "support/zips.h"

#include "base/mem.h"
#include "model/npy.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_npy file;
    if (ting_npy_parse(bytes, size, &file) == TING_OK) {
        for (size_t i = 0; i < file.table.count; i++) {
            const ting_stored *tensor = &file.table.items[i].tensor;
            size_t elements = ting_stored_elements(tensor);
            if (elements > 0) {
                ting_stored_value(tensor, 0);
                ting_stored_value(tensor, elements - 1);
            }
        }
    }
    ting_npy_close(&file);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char by_rows[] = "\x93NUMPY\x01\x00\x37\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    static const char by_columns[] =
        "\x93NUMPY\x02\x00\x37\x00\x00\x00{'descr': '<i4', 'fortran_order': True, 'shape': (1,2)}";
    unsigned char a[256] = {0}, b[256] = {0};
    size_t a_size = sizeof by_rows - 1 + 8, b_size = sizeof by_columns - 1 + 8;
    memcpy(a, by_rows, sizeof by_rows - 1);
    memcpy(b, by_columns, sizeof by_columns - 1);
    take(self, a, a_size);
    take(self, b, b_size);
    for (int deflated = 0; deflated < 2; deflated++) {
        char *path = ting_temp_path("seed.npz");
        ting_write_zip(path, (ting_zip_part[]){{"a.npy", a, a_size}, {"b.npy", b, b_size}}, 2, deflated);
        ting_fuzz_take_file(take, self, path);
        ting_free(path);
    }
}
