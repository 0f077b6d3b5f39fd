/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes of a guest that resets itself, by PSCI's SYSTEM_RESET (Arm DEN0022). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm_outcome.h"

/*
 * Starts the guest again from its images, with everything as at its first start, whatever its vCPUs were doing and
 * wherever; images are copied in pieces, between which others run (vmm_images.h). Fails after a message when its table
 * does not allow that (vmm_config.h), or a vCPU does not come out of its interrupt: then the guest is to be stopped.
 */
enum vmm_outcome vmm_restart(void);

/* Goes on with what vmm_restart() began; nothing to do is fine. False after a message: the guest is to be stopped. */
bool vmm_restart_go_on(void);

/* A fault of that label that belongs to a restart under way; then `outcome` is what came of it. */
bool vmm_restart_takes(uint32_t vcpu, uint64_t label, enum vmm_outcome *outcome);
