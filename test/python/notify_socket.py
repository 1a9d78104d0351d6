"""Hears what a service says to its manager: binds the datagram socket and prints each word as a line of JSON.

Usage: notify_socket.py PATH
"""

import array
import json
import os
import socket
import sys

heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    data, ancillary, _, _ = heard.recvmsg(4096, 1024)
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            # A barrier: whoever sent it waits until it is closed here.
            descriptors = array.array("i", content[: len(content) // 4 * 4])
            for descriptor in descriptors:
                os.close(descriptor)
    print(json.dumps(data.decode()), flush=True)
