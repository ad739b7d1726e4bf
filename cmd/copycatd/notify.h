/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify -- tells systemd (or whoever sets NOTIFY_SOCKET) how the daemon is, without libsystemd.
 *
 * Where it sits:   beside main.  The protocol is sd_notify(3): a datagram of lines to a unix
 *                  socket.
 * Memory:          none; a socket is opened for each message, for there are few.
 */
#ifndef COPYCATD_NOTIFY_H
#define COPYCATD_NOTIFY_H

enum copycatd_notify_result {
    COPYCATD_NOTIFY_SENT,
    COPYCATD_NOTIFY_ABSENT, /* nobody asked to be told */
    COPYCATD_NOTIFY_FAILED, /* errno says why; serving goes on */
};

/*
 * `target` is the value of NOTIFY_SOCKET, NULL if it is not set: a path, or @NAME for an abstract
 * socket.  `status` is a sentence for `systemctl status`, NULL for none; it is cut at its first
 * newline, which would begin a line of the protocol, and at 1000 bytes.  None of these waits.
 */
enum copycatd_notify_result copycatd_notify_ready(const char *target, const char *status);
enum copycatd_notify_result copycatd_notify_stopping(const char *target, const char *status);
enum copycatd_notify_result copycatd_notify_status(const char *target, const char *status);

#endif /* COPYCATD_NOTIFY_H */
