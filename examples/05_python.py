#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""05 -- put and get from Python, through a completion queue: no C callbacks, no binding.
Start a server first: copycatd.  usage: 05_python.py [SERVERS [LIBRARY]]"""
import select
import sys
from ctypes import (CDLL, POINTER, Structure, byref, c_char_p, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p, string_at)


class Bytes(Structure):
    _fields_ = [("data", c_char_p), ("size", c_size_t)]


class Completion(Structure):
    _fields_ = [("tag", c_uint64), ("value", c_void_p), ("status", c_int32), ("zero", c_uint32)]


cc = CDLL(sys.argv[2] if len(sys.argv) > 2 else "libcopycat.so.0")
for name, result, *arguments in [
    ("client_open", c_int32, POINTER(c_void_p), c_char_p, c_void_p, c_void_p),
    ("client_close", None, c_void_p, c_void_p, c_void_p),
    ("map_at", c_void_p, c_void_p, c_char_p), ("map_free", None, c_void_p),
    ("map_put", c_void_p, c_void_p, Bytes, Bytes, c_void_p),
    ("map_get", c_void_p, c_void_p, Bytes, c_void_p),
    ("queue_open", c_int32, POINTER(c_void_p)), ("queue_close", None, c_void_p),
    ("queue_fd", c_int32, c_void_p),
    ("queue_next", c_int32, c_void_p, c_uint64, POINTER(Completion)),
    ("future_into", c_int32, c_void_p, c_void_p, c_uint64),
    ("value_bytes", Bytes, c_void_p), ("value_free", None, c_void_p),
    ("status_text", c_char_p, c_int32),
]:
    function = getattr(cc, "copycat_" + name)
    function.restype, function.argtypes = result, arguments


def check(status):
    if status != 0:
        sys.exit(cc.copycat_status_text(status).decode())


cat, meow = Bytes(b"cat", 3), Bytes(b"meow", 4)
client, queue, done = c_void_p(), c_void_p(), Completion()
check(cc.copycat_client_open(byref(client), (sys.argv + ["127.0.0.1:7458"])[1].encode(), None, None))
check(cc.copycat_queue_open(byref(queue)))
animals = cc.copycat_map_at(client, b"/animals")
check(cc.copycat_future_into(cc.copycat_map_put(animals, cat, meow, None), queue, 1))
check(cc.copycat_future_into(cc.copycat_map_get(animals, cat, None), queue, 2))  # in this order
for _ in range(2):
    select.select([cc.copycat_queue_fd(queue)], [], [], 30)  # in your loop: asyncio's add_reader
    check(cc.copycat_queue_next(queue, 0, byref(done)))
    check(done.status)
    if done.tag == 2:
        got = cc.copycat_value_bytes(done.value)
        print("the cat says", string_at(got.data, got.size).decode())
    cc.copycat_value_free(done.value)
cc.copycat_map_free(animals)
cc.copycat_client_close(client, None, None)
cc.copycat_queue_close(queue)
