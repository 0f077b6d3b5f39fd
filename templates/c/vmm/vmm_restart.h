/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes of a guest that resets itself. */
#pragma once

#include <stdbool.h>

/*
 * Starts the guest again from its images, with everything as at its first start. False after a message when its table
 * does not allow that (vmm_config.h), or it is in the middle of an interrupt: then it is to be stopped.
 */
bool vmm_restart(void);
