/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_charge.h"

#include <sdfgen/counter.h>
#include <sdfgen/vmm_config.h>

#include "vmm_rest.h"
#include "vmm_vcpu.h"

/*
 * What may be owed: a guest's turn, 10 ms, and a little more. Others are then paid by whole turns: a kernel that puts a
 * guest back into the queue lets it go on with what is left of its turn, and the one that ran meanwhile with what is
 * left of its own. Paid by parts of turns, the others would have been given what they were to have anyway.
 */
#define BURST_MS 11u
/* What is owed at most: who is alone may owe more and more, and others that come are not to find it down for ever. */
#define MOST_BURSTS 2u
/* But up to this for what one event hands on, about a hundred small requests, until there is another event. */
#define MOST_BURSTS_OF_AN_EVENT 6u
/* For so long a guest that ran although it stood below is charged nothing of what others do: nobody wanted its core. */
#define FREE_BURSTS 10u
/* Of the time in which the guest has its turns, what pays: a guest that only computes has ticks, too. */
#define RUNNING_SHARE 32u
/* What an event counts in which others work for the guest: as measured (docs/datapath.md). */
#define SERVICE_TIMES 5u
/* What a request counts that was handed on, at least, in ways from the guest to its VMM and back: as measured, too. */
#define REQUEST_ROUND_TRIPS 12u
#define UNKNOWN UINT64_MAX
/* Below it is nobody but the kernel's idle thread. */
#define LOWEST_PRIORITY 0u

static const struct vmm_guest *charged;
static uint64_t burst_ticks; /* 0, and nothing is charged, where the firmware does not say how fast the counter is */
static uint64_t owed_ticks;
static uint64_t service_ticks; /* of those, what is for others' work */
static uint64_t free_until_ticks;
static uint64_t began_ticks;
static uint64_t ended_ticks;
static bool began_with_fault;
static uint32_t times;    /* that the present event counts */
static uint32_t requests; /* that were handed on in it */
static uint64_t round_trip_ticks; /* the least from the end of a fault's event to the next fault; or UNKNOWN */
static bool owes; /* too much, and not all of that has been paid since */
static bool stands_below;

void vmm_charge_init(const struct vmm_guest *guest)
{
    charged = guest;
    burst_ticks = counter_ticks_in_ms() * BURST_MS;
    owed_ticks = 0;
    service_ticks = 0;
    free_until_ticks = 0;
    round_trip_ticks = UNKNOWN;
    began_with_fault = false;
    times = 1;
    requests = 0;
    owes = false;
    stands_below = false;
    ended_ticks = counter_ticks();
    began_ticks = ended_ticks;
}

static bool guest_rests(void)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        if (vmm_vcpu_is_on(vcpu) && !vmm_rest_is_resting(vcpu)) {
            return false;
        }
    }
    return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The guest can't make it shorter than the kernel does. */
static void note_round_trip(bool with_fault, uint64_t between_ticks)
{
    if (with_fault && began_with_fault) {
        round_trip_ticks = smaller(round_trip_ticks, between_ticks);
    }
    began_with_fault = with_fault;
}

void vmm_charge_note_service(uint32_t request_count)
{
    times = SERVICE_TIMES;
    requests += request_count;
}

void vmm_charge_begin(bool with_fault)
{
    times = 1;
    requests = 0;
    began_ticks = counter_ticks();
    const uint64_t between_ticks = began_ticks - ended_ticks;
    note_round_trip(with_fault, between_ticks);
    const bool others_had_it = stands_below || guest_rests();
    owed_ticks -= smaller(owed_ticks, others_had_it ? between_ticks : between_ticks / RUNNING_SHARE);
    service_ticks = smaller(service_ticks, owed_ticks);
    owes = owes && owed_ticks > 0;
}

static uint64_t known_round_trip_ticks(void)
{
    return round_trip_ticks != UNKNOWN ? round_trip_ticks : 0;
}

void vmm_charge_note_ran(uint32_t vcpu)
{
    if (stands_below && vcpu < VMM_MOST_VCPUS && (charged->vcpus_beside >> vcpu & 1) != 0) {
        owed_ticks -= service_ticks;
        service_ticks = 0;
        owes = owed_ticks > burst_ticks;
        free_until_ticks = began_ticks + FREE_BURSTS * burst_ticks;
    }
}

/* What the kernel takes until the VMM is told. After a fault it takes the guest's turn for the way back. */
static uint64_t way_ticks(void)
{
    return began_with_fault ? known_round_trip_ticks() / 2 : known_round_trip_ticks();
}

/* An event is no longer than a burst: somebody else ran meanwhile, or the host of a virtual machine did. */
static uint64_t event_ticks(uint64_t now_ticks)
{
    return smaller(now_ticks - began_ticks + way_ticks(), burst_ticks);
}

/* Many small requests are handed on in little time, and each is others' work all the same. */
static uint64_t used_ticks(uint64_t now_ticks)
{
    if (now_ticks < free_until_ticks) {
        return event_ticks(now_ticks);
    }
    const uint64_t timed_ticks = smaller(event_ticks(now_ticks) * times, burst_ticks);
    const uint64_t priced_ticks = known_round_trip_ticks() * REQUEST_ROUND_TRIPS * requests;
    return larger(timed_ticks, smaller(priced_ticks, MOST_BURSTS_OF_AN_EVENT * burst_ticks));
}

static uint64_t owed_after_ticks(uint64_t now_ticks)
{
    const uint64_t used = used_ticks(now_ticks);
    return smaller(owed_ticks + used, larger(used, MOST_BURSTS * burst_ticks));
}

/* Where the kernel refuses, it is tried again after the next event. */
static void stand(void)
{
    const uint32_t priority = owes ? LOWEST_PRIORITY : charged->priority;
    if (owes != stands_below && vmm_vcpus_set_priority(charged->vcpus_beside, priority)) {
        stands_below = owes;
    }
    if (owes) {
        vmm_rest_ask(ended_ticks + owed_ticks);
    }
}

void vmm_charge_end(void)
{
    ended_ticks = counter_ticks();
    service_ticks += used_ticks(ended_ticks) - event_ticks(ended_ticks);
    owed_ticks = owed_after_ticks(ended_ticks);
    service_ticks = smaller(service_ticks, owed_ticks);
    owes = owes || owed_ticks > burst_ticks;
    stand();
}

bool vmm_charge_owes(void)
{
    return owes;
}

bool vmm_charge_is_due(uint32_t vcpu, uint64_t *until_ticks)
{
    const uint64_t now_ticks = counter_ticks();
    const uint64_t owed = owed_after_ticks(now_ticks);
    *until_ticks = now_ticks + owed;
    return (charged->vcpus_apart >> vcpu & 1) != 0 && owed > burst_ticks;
}

uint64_t vmm_charge_next_turn_ticks(void)
{
    const uint64_t now_ticks = counter_ticks();
    return now_ticks + event_ticks(now_ticks) + 1;
}
