"""The end of systemd's notification socket: prints each message as a line of JSON. Closing what comes with a message is
what a sender waits for (sd_notify_barrier(3))."""
import array, json, os, socket, sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
while True:
    data, ancillary, _, _ = listener.recvmsg(65536, socket.CMSG_SPACE(4 * array.array("i").itemsize))
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors = array.array("i")
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
            for descriptor in descriptors:
                os.close(descriptor)
    print(json.dumps(data.decode().rstrip("\n").split("\n")), flush=True)
