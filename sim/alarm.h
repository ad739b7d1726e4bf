/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm -- a machine that lives on timers, so that log time, ticks and timers are under the same
 * faults as everything else.  It watches what it was promised: that no timer rings early, and that
 * no entry is applied before a timer that was due (A4).
 */
#ifndef CC_SIM_ALARM_H
#define CC_SIM_ALARM_H

#include "apply/apply.h"
#include "client/client.h"
#include "sim/decide.h"

#include <copycat/machine.h>

#define CC_ALARM_PATH "/alarms"
#define CC_ALARM_DELAY_US_MAX 4000000u

extern const copycat_machine_type cc_alarm_machine_type;

/* One client's way to the alarms; at most one call is under way. */
struct cc_alarm_caller {
    struct cc_client *client;
    struct cc_client_resource resource;
    struct cc_call call;
    uint8_t operation[17];
    bool is_busy;
};

/* For a new client; what was under way for the one before is forgotten. */
void cc_alarm_caller_init(struct cc_alarm_caller *caller, struct cc_client *client);

/* Sets or stops an alarm, unless a call is under way. */
void cc_alarm_call(struct cc_alarm_caller *caller, struct cc_decider *choices);

/* A fault of the memory that the alarms of this state lie in: they do what they did, and answer the
 * same, but have another digest and another blob.  False if there are none. */
bool cc_alarm_spoil(struct cc_apply *apply);

/* What a machine of this run has seen that must not be; NULL: nothing. */
const char *cc_alarm_verdict(void);
void cc_alarm_reset(void);

#endif /* CC_SIM_ALARM_H */
