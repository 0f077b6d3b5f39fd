/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes of a fault of a vCPU's. */
#pragma once

enum vmm_outcome {
    VMM_RUNS,
    VMM_WAITS,  /* for an interrupt: rests, unless it was interrupted meanwhile */
    VMM_STAYS,  /* as it is: off, or started anew; its fault is never answered */
    VMM_FAILED, /* the guest is to be stopped */
};
