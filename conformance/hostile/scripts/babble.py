#!/usr/bin/env python3
"""Answers every caller with a page of another protocol."""
import os
import socket

path = os.environ["TMPDIR"] + "/s"
ear = socket.socket(socket.AF_UNIX)
ear.bind(path)
ear.listen()
print("1|1|unix|" + path + "|grpc|", flush=True)
while True:
    caller, _ = ear.accept()
    try:
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + b"x" * (1 << 20))
    except OSError:
        pass
    caller.close()
