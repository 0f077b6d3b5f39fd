/* A load that fio makes: what it costs a guest counts too, as it does for whoever measures with it. */
#define _GNU_SOURCE
#include "fio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMMAND_BYTES = 512,
    LINE_BYTES = 8192,
    READ_IOPS_FIELD = 8, /* of terse output, version 3, from 1 */
    WRITE_IOPS_FIELD = 49,
};

static int is_write(const char *direction)
{
    return strcmp(direction, "write") == 0;
}

/* The number in a field of a line with semicolons between them; 0 where there is none. */
static uint64_t field(const char *line, uint32_t number)
{
    for (; number > 1 && line != NULL; number--) {
        line = strchr(line, ';');
        line = line != NULL ? line + 1 : NULL;
    }
    return line != NULL ? strtoull(line, NULL, 10) : 0;
}

int fio_load(const char *disk, const char *direction, uint32_t block_bytes, uint32_t depth, uint32_t warm_up_ms,
             uint32_t measured_ms, uint64_t offset_bytes, uint64_t *requests)
{
    char command[COMMAND_BYTES];
    char line[LINE_BYTES] = "";
    snprintf(command, sizeof command,
             "fio --minimal --name=load --filename=%s --rw=rand%s --bs=%u --iodepth=%u --ramp_time=%ums --runtime=%ums "
             "--offset=%llu --ioengine=libaio --direct=1 --time_based --randrepeat=1 --norandommap --buffer_pattern=0x1",
             disk, is_write(direction) ? "write" : "read", block_bytes, depth, warm_up_ms, measured_ms,
             (unsigned long long)offset_bytes);
    FILE *output = popen(command, "r");
    if (output == NULL) {
        return errno;
    }
    char *last = fgets(line, sizeof line, output);
    *requests = last != NULL ? field(line, is_write(direction) ? WRITE_IOPS_FIELD : READ_IOPS_FIELD) : 0;
    return pclose(output) == 0 && *requests != 0 ? 0 : EIO;
}
