#!/usr/bin/env python3
"""Prints the handshake and never listens at its socket."""
import os
import socket
import time

path = os.environ["TMPDIR"] + "/s"
taken = socket.socket(socket.AF_UNIX)
taken.bind(path)
print("1|1|unix|" + path + "|grpc|", flush=True)
time.sleep(1000)
