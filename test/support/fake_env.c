/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_env -- see fake_env.h.
 */
#include "support/fake_env.h"

#include "base/assert.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void later(struct cc_env *env, struct cc_task *task)
{
    struct fake_env *fake = env->backend;

    if (!task->queued) {
        task->queued = true;
        cc_list_append(&fake->tasks, &task->node);
    }
}

static void task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

static void conn_connect(struct cc_env *env, struct cc_conn *conn, const char *address)
{
    struct fake_env *fake = env->backend;

    CC_ASSERT(fake->conn == NULL);
    fake->conn = conn;
    fake->address = address;
}

static void conn_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    struct fake_env *fake = env->backend;

    CC_ASSERT(fake->conn == conn);
    CC_ASSERT(fake->under_way == NULL);
    CC_ASSERT(size > 0 && fake->written_size + size <= FAKE_SENT_MAX);
    memcpy(fake->written + fake->written_size, data, size);
    fake->written_size += size;
    fake->under_way = data;
    fake->under_way_size = size;
    fake->write_count++;
}

static void conn_close(struct cc_env *env, struct cc_conn *conn)
{
    struct fake_env *fake = env->backend;

    CC_ASSERT(fake->conn == conn || fake->conn == NULL);
    fake->conn = NULL;
    fake->under_way = NULL;
    fake->close_count++;
}

static const struct cc_env_table table = {
    .later = later,
    .task_cancel = task_cancel,
    .conn_connect = conn_connect,
    .conn_write = conn_write,
    .conn_close = conn_close,
};

void fake_env_init(struct fake_env *fake, const struct cc_memory *memory)
{
    memset(fake, 0, offsetof(struct fake_env, written));
    fake->env = (struct cc_env){.table = &table, .memory = memory, .backend = fake};
    cc_list_init(&fake->tasks);
}

void fake_env_pass(struct fake_env *fake)
{
    cc_list_append(&fake->tasks, &fake->pass_end);
    while (fake->tasks.next != &fake->pass_end) {
        struct cc_task *task = cc_container_of(fake->tasks.next, struct cc_task, node);

        task_cancel(&fake->env, task);
        task->run(task);
    }
    cc_list_remove(&fake->pass_end);
}

void fake_env_accepted(struct fake_env *fake, struct cc_conn *conn)
{
    fake->conn = conn;
}

void fake_env_open(struct fake_env *fake)
{
    CC_ASSERT(fake->conn != NULL);
    fake->conn->on_open(fake->conn);
}

void fake_env_sent(struct fake_env *fake)
{
    CC_ASSERT(fake->conn != NULL && fake->under_way != NULL);
    CC_ASSERT(
        memcmp(
            fake->under_way, fake->written + fake->written_size - fake->under_way_size,
            fake->under_way_size) == 0);
    fake->under_way = NULL;
    fake->conn->on_sent(fake->conn);
}

void fake_env_closed(struct fake_env *fake)
{
    struct cc_conn *conn = fake->conn;

    CC_ASSERT(conn != NULL);
    fake->conn = NULL;
    fake->under_way = NULL;
    conn->on_closed(conn);
}

void fake_env_data(struct fake_env *fake, const void *data, size_t size)
{
    unsigned char *exact = malloc(size + 1);

    CC_ASSERT(fake->conn != NULL && exact != NULL);
    memcpy(exact + 1, data, size);
    fake->conn->on_data(fake->conn, exact + 1, size);
    free(exact);
}
