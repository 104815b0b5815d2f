/* SPDX-License-Identifier: Apache-2.0 */
/* available.c - see available.h. */
#include "base/available.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { LINE = 1024 };

/* The number behind `key` at the start of a line; with an empty key, the file's first number. A file that has none:
 * `absent`. */
static uint64_t number_in(const char *root, const char *path, const char *key, uint64_t absent)
{
    char line[LINE];
    uint64_t value = absent;
    ting_str whole = {0};
    ting_str_addf(&whole, "%s%s", root, path);
    FILE *file = ting_str_ok(&whole) ? fopen(whole.text, "re") : NULL;
    while (file != NULL && value == absent && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), "%" SCNu64, &value); /* "max" is no number */
    if (file != NULL)
        fclose(file);
    ting_str_free(&whole);
    return value;
}

/* What a group's limit leaves. */
static uint64_t left_by(const char *root, const char *group, const char *limit_name, const char *used_name,
                        const char *cache_name)
{
    ting_str path = {0};
    uint64_t number[3] = {UINT64_MAX, 0, 0};
    const char *const names[] = {limit_name, used_name, "/memory.stat"}, *const keys[] = {"", "", cache_name};
    for (int i = 0; i < 3; i++) {
        ting_str_clear(&path);
        ting_str_addf(&path, "%s%s", group, names[i]);
        if (ting_str_ok(&path))
            number[i] = number_in(root, path.text, keys[i], number[i]);
    }
    ting_str_free(&path);
    if (number[0] == UINT64_MAX)
        return UINT64_MAX;
    const uint64_t held = number[1] > number[2] ? number[1] - number[2] : 0;
    return number[0] > held ? number[0] - held : 0;
}

/* The least of a group of version 2 and all groups around it. */
static uint64_t left_by_all(const char *root, const char *name)
{
    ting_str group = {0};
    uint64_t left = UINT64_MAX;
    ting_str_addf(&group, "/sys/fs/cgroup%s", strcmp(name, "/") == 0 ? "" : name);
    while (ting_str_ok(&group)) {
        const uint64_t here = left_by(root, group.text, "/memory.max", "/memory.current", "inactive_file ");
        left = here < left ? here : left;
        char *slash = strrchr(group.text, '/');
        if (strcmp(group.text, "/sys/fs/cgroup") == 0 || slash == NULL)
            break;
        *slash = '\0';
    }
    ting_str_free(&group);
    return left;
}

/* /proc/self/cgroup: "0::/name" is the group of version 2, "5:memory:/name" that of version 1. Inside of a container
 * the name may be one that only the outside knows: then the container's own group is the root of the hierarchy. */
static uint64_t left_by_groups(const char *root)
{
    char line[LINE];
    uint64_t left = left_by(root, "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                            "total_inactive_file ");
    ting_str path = {0};
    ting_str_addf(&path, "%s/proc/self/cgroup", root);
    FILE *file = ting_str_ok(&path) ? fopen(path.text, "re") : NULL;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *name = strrchr(line, ':');
        if (name == NULL)
            continue;
        uint64_t here = UINT64_MAX;
        if (strncmp(line, "0::", 3) == 0)
            here = left_by_all(root, name + 1);
        else if (strstr(line, ":memory:") != NULL) {
            ting_str_clear(&path);
            ting_str_addf(&path, "/sys/fs/cgroup/memory%s", name + 1);
            if (ting_str_ok(&path))
                here = left_by(root, path.text, "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                               "total_inactive_file ");
        }
        left = here < left ? here : left;
    }
    if (file != NULL)
        fclose(file);
    ting_str_free(&path);
    return left;
}

uint64_t ting_memory_available(const char *root)
{
    const uint64_t kib = number_in(root, "/proc/meminfo", "MemAvailable:", UINT64_MAX);
    const uint64_t machine = kib < UINT64_MAX / 1024 ? kib * 1024 : UINT64_MAX, groups = left_by_groups(root);
    return machine < groups ? machine : groups;
}

uint64_t ting_memory_peak(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}
