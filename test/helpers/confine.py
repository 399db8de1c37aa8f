"""confine.py FILE COMMAND...: runs the command as a JSON file says, as systemd does for User=, SupplementaryGroups=, an empty
CapabilityBoundingSet=, NoNewPrivileges=, SystemCallFilter= and RestrictAddressFamilies=. By libseccomp, as systemd."""
import ctypes, errno, json, os, socket, sys

ALLOW = 0x7FFF0000
DENY = 0x00050000 | errno.EPERM
EQUAL = 4
DROP_FROM_BOUNDING_SET = 24


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operation", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


with open(sys.argv[1], encoding="utf-8") as file:
    allowed = json.load(file)
library = ctypes.CDLL("libseccomp.so.2")
library.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(DENY)))


def allow(name, *comparisons):
    number = library.seccomp_syscall_resolve_name(name.encode())
    array = (Comparison * len(comparisons))(*comparisons)
    code = library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(comparisons), array)
    # EDOM: another architecture's.
    if number != -1 and code not in (0, -errno.EDOM):
        sys.exit(f"cannot allow {name}: {os.strerror(-code)}")


for name in allowed["systemCalls"]:
    if name != "socket":
        allow(name)
for family in allowed["addressFamilies"]:
    allow("socket", Comparison(0, EQUAL, getattr(socket, family), 0))
capability = 0
while ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0) == 0:
    capability += 1
os.setgroups([allowed["group"]])
os.setresgid(allowed["user"], allowed["user"], allowed["user"])
os.setresuid(allowed["user"], allowed["user"], allowed["user"])
# This forbids new privileges first.
if library.seccomp_load(context) != 0:
    sys.exit("the kernel takes no filter")
os.execvp(sys.argv[2], sys.argv[2:])
