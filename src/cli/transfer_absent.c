/* SPDX-License-Identifier: Apache-2.0 */
/* transfer_absent.c - stands in for transfer.c in builds without libcurl or libarchive; see transfer.h. */
#include "cli/transfer.h"

static ting_err absent(void)
{
    return ting_fail(TING_ERR_UNSUPPORTED, "this build cannot download: install libcurl4-openssl-dev and libarchive-dev "
                                           "(sh tools/deps.sh does) and build it again");
}

ting_err ting_transfer_download(const ting_download *download)
{
    (void)download;
    return absent();
}

ting_err ting_transfer_unpack(const char *archive, const ting_member *members, int count, const char *folder)
{
    (void)archive, (void)members, (void)count, (void)folder;
    return absent();
}
