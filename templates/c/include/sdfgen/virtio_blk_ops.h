/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device as a transport calls it. */
#pragma once

#include <sdfgen/virtio_blk.h>

/* Its device is a struct virtio_blk. */
extern const struct virtio_device_ops virtio_blk_ops;
