/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pickle.c - pickles and PyTorch files: running, then the walk over tensors. */
#include "fuzz/fuzz.h"
#include "support/support.h"
#include "support/zips.h"
#include "unit/pickle_vectors.h"

#include "base/mem.h"
#include "model/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_pickle file;
    ting_table table;
    if (ting_pickle_parse(bytes, size, &file) == TING_OK && ting_pickle_tensors(&file, &table) == TING_OK) {
        ting_value_get(file.root, "w");
        for (size_t i = 0; i < table.count; i++) {
            const ting_stored *tensor = &table.items[i].tensor;
            size_t elements = ting_stored_elements(tensor);
            if (elements > 0) {
                ting_stored_value(tensor, 0);
                ting_stored_value(tensor, elements - 1);
            }
        }
        ting_table_free(&table);
    }
    ting_pickle_close(&file);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    for (int protocol = 0; protocol <= 5; protocol++) {
        take(self, PLAIN[protocol].bytes, PLAIN[protocol].size);
        take(self, NUMPY[protocol].bytes, NUMPY[protocol].size);
    }
    for (int deflated = 0; deflated < 2; deflated++) {
        char *path = ting_temp_path("seed.pt");
        ting_write_zip(path,
                       (ting_zip_part[]){{"a/data.pkl", TORCH_PROGRAM.bytes, TORCH_PROGRAM.size},
                                         {"a/data/0", TORCH_DATA[0].bytes, TORCH_DATA[0].size},
                                         {"a/data/1", TORCH_DATA[1].bytes, TORCH_DATA[1].size},
                                         {"a/data/2", TORCH_DATA[2].bytes, TORCH_DATA[2].size},
                                         {"a/data/3", TORCH_DATA[3].bytes, TORCH_DATA[3].size}},
                       5, deflated);
        ting_fuzz_take_file(take, self, path);
        ting_free(path);
    }
}
