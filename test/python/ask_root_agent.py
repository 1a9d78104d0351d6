"""Asks the host's root agent, as its callers do: prints the answer, exits 0 where it is ok.

usage: ask_root_agent.py SOCKET ACTION PARAMS
"""

import json
import socket
import struct
import sys


def read(connection, count):
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            sys.exit("the root agent closed the connection")
        data += chunk
    return data


def main():
    path, action, params = sys.argv[1:]
    request = json.dumps({"action": action, "params": json.loads(params)}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(struct.pack(">I", len(request)) + request)
        (length,) = struct.unpack(">I", read(connection, 4))
        answer = json.loads(read(connection, length))
    print(json.dumps(answer))
    sys.exit(0 if answer.get("ok") is True else 1)


main()
