/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the protection domains use of Microkit and seL4, declared for compiling and running them without an SDK. Names,
 * types and values as in Microkit 2.0.1 to 2.3 on AArch64, none of their code. A build with an SDK uses its header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microkit's programs have no thread-local storage; seL4's headers, which come later, declare some. */
#define __thread

/* What libvmm and Microkit ask of the kernel's configuration. */
#define CONFIG_ARCH_ARM 1
#define CONFIG_ARCH_AARCH64 1

typedef int8_t seL4_Bool;
typedef unsigned long seL4_Word;
#define seL4_False 0
#define seL4_True 1

typedef struct seL4_MessageInfo {
    seL4_Word words[1];
} seL4_MessageInfo_t;

/* A vCPU's registers, in the kernel's order. */
typedef struct seL4_UserContext {
    seL4_Word pc, sp, spsr, x0, x1, x2, x3, x4, x5, x6, x7, x8, x16, x17, x18, x29, x30;
    seL4_Word x9, x10, x11, x12, x13, x14, x15, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
    seL4_Word tpidr_el0, tpidrro_el0;
} seL4_UserContext;

/* Fault labels of the MCS kernel, and message registers of faults. */
enum {
    seL4_Fault_VMFault = 6,
    seL4_Fault_VGICMaintenance = 7,
    seL4_Fault_VCPUFault = 8,
    seL4_Fault_VPPIEvent = 9,
};
enum { seL4_VMFault_Addr = 1, seL4_VMFault_FSR = 3 };
enum { seL4_VPPIEvent_IRQ = 0 };
enum { seL4_VGICMaintenance_IDX = 0 };
enum { seL4_VCPUFault_HSR = 0 };
/* Of a vCPU. */
enum {
    seL4_VCPUReg_SCTLR = 0,
    seL4_VCPUReg_CPACR = 1,
    seL4_VCPUReg_VMPIDR_EL2 = 16,
    seL4_VCPUReg_CNTV_CTL = 20,
    seL4_VCPUReg_CNTV_CVAL = 21,
    seL4_VCPUReg_CNTKCTL_EL1 = 23,
};

/* Invocations of kernel objects: of a virtual machine's TCB and vCPU. */
typedef unsigned long seL4_CPtr;
typedef uint8_t seL4_Uint8;
typedef uint16_t seL4_Uint16;
typedef enum { seL4_NoError = 0, seL4_RangeError = 4, seL4_DeleteFirst = 8 } seL4_Error;
#define BASE_VM_TCB_CAP 266
#define BASE_VCPU_CAP 330
seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags, seL4_Word count,
                                  seL4_UserContext *registers);
seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags, seL4_Word count,
                                   seL4_UserContext *registers);
seL4_Error seL4_ARM_VCPU_InjectIRQ(seL4_CPtr vcpu, seL4_Uint16 virq, seL4_Uint8 priority, seL4_Uint8 group,
                                   seL4_Uint8 index);
seL4_Error seL4_TCB_Suspend(seL4_CPtr tcb);
seL4_Error seL4_TCB_Resume(seL4_CPtr tcb);
seL4_Error seL4_TCB_SetPriority(seL4_CPtr tcb, seL4_CPtr authority, seL4_Word priority);
void seL4_Yield(void);

typedef unsigned int microkit_channel;
typedef unsigned int microkit_child;
typedef seL4_MessageInfo_t microkit_msginfo;

#define MICROKIT_MAX_CHANNELS 62
#define MICROKIT_PD_NAME_LENGTH 64

extern char microkit_name[MICROKIT_PD_NAME_LENGTH];

/* Defined by a protection domain. */
void init(void);
void notified(microkit_channel channel);
seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo);

/* Inline functions in the SDK but for the first. */
void microkit_dbg_puts(const char *text);
void microkit_notify(microkit_channel channel);
void microkit_irq_ack(microkit_channel channel);
void microkit_vcpu_stop(microkit_child vcpu);
void microkit_vcpu_arm_ack_vppi(microkit_child vcpu, seL4_Word irq);
seL4_Word microkit_vcpu_arm_read_reg(microkit_child vcpu, seL4_Word reg);
void microkit_vcpu_arm_write_reg(microkit_child vcpu, seL4_Word reg, seL4_Word value);
microkit_msginfo microkit_msginfo_new(seL4_Word label, uint16_t count);
seL4_Word microkit_msginfo_get_label(microkit_msginfo msginfo);
seL4_Word microkit_mr_get(uint8_t index);
