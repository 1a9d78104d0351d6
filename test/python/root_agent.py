"""A root agent: one thread, one request per connection, frames of four bytes of length and JSON.

usage: root_agent.py SOCKET [MODE [PLUGINS [NAME=JSON...]]]
MODE: usual (default), slow, mute, garbage, huge, two, split

Routes are kept in memory and answer as `ip -6 route` does. "routes" tells them. Every module in the directory PLUGINS is
loaded once, in the order of their names, and the first to define an action has it; what lies in PLUGINS/lib is in
sys.path, if there is such a directory. NAME=JSON sets a constant in each of them.
"""

import importlib.util
import json
import os
import re
import socket
import struct
import sys
import time

LARGEST = 10 * 1024 * 1024
DEVICES = {"vmbr0", "virbr0", "br0", "br-ext", "docker0"}
ADDRESS = re.compile(r"^[0-9a-fA-F:]+/128$")
routes = {}
actions = {}


def load(directory, constants):
    if os.path.isdir(os.path.join(directory, "lib")):
        sys.path.insert(0, os.path.join(directory, "lib"))
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".py"):
            continue
        spec = importlib.util.spec_from_file_location("actions_" + name[:-3], os.path.join(directory, name))
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            print("not loaded: %s: %s" % (name, error), file=sys.stderr)
            continue
        for constant in constants:
            key, value = constant.split("=", 1)
            setattr(module, key, json.loads(value))
        for action, handler in module.ACTIONS.items():
            actions.setdefault(action, handler)


def read(connection, count):
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            return None
        data += chunk
    return data


def change_route(params, adding):
    address, device = params.get("address", ""), params.get("dev", "")
    if device not in DEVICES:
        return {"ok": False, "error": "Device not allowed: %s" % device}
    if not ADDRESS.match(address):
        return {"ok": False, "error": "Invalid address: %s" % address}
    if adding and address in routes:
        return {"ok": False, "error": "RTNETLINK answers: File exists"}
    if not adding and address not in routes:
        return {"ok": False, "error": "RTNETLINK answers: No such process"}
    if adding:
        routes[address] = device
    else:
        del routes[address]
    return {"ok": True, "output": ""}


def answer(request):
    action, params = request.get("action"), request.get("params", {})
    if action == "routes":
        return {"ok": True, "routes": routes}
    if action == "ip6-route-add":
        return change_route(params, True)
    if action == "ip6-route-del":
        return change_route(params, False)
    if action == "echo":
        return {"ok": True, "params": params}
    if action in actions:
        return actions[action](params)
    return {"ok": False, "error": "Unknown action: %s" % action}


def frame(data):
    return struct.pack(">I", len(data)) + data


def serve(connection, mode):
    connection.settimeout(10)
    header = read(connection, 4)
    if header is None:
        return
    (length,) = struct.unpack(">I", header)
    if length > LARGEST:
        return
    body = read(connection, length)
    if body is None or mode == "mute":
        return
    reply = frame(json.dumps(answer(json.loads(body))).encode())
    if mode == "slow":
        time.sleep(2)
    if mode == "garbage":
        reply = frame(b"<html>")
    if mode == "huge":
        reply = struct.pack(">I", LARGEST + 1)
    if mode == "two":
        reply += reply
    if mode == "split":
        for byte in reply:
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        return
    connection.sendall(reply)


def main():
    path, mode = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "usual"
    if len(sys.argv) > 3:
        load(sys.argv[3], sys.argv[4:])
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen(16)
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            try:
                serve(connection, mode)
            except (OSError, ValueError):
                pass


if __name__ == "__main__":
    main()
