# SPDX-License-Identifier: BSD-2-Clause
"""A PAM application of our own: every phase, in any order, with any conversation, as any
user. What it is told comes back as libpam's own names of return values."""
import ctypes
import glob
import json
import os

LIBPAM = ctypes.CDLL("libpam.so.0")
LIBC = ctypes.CDLL(None)
LIBC.calloc.restype = ctypes.c_void_p
LIBC.strdup.restype = ctypes.c_void_p
MODULE = glob.glob("/usr/lib/*/security/pam_rollcall.so")[0]

CODES = ["SUCCESS", "OPEN_ERR", "SYMBOL_ERR", "SERVICE_ERR", "SYSTEM_ERR", "BUF_ERR", "PERM_DENIED", "AUTH_ERR",
         "CRED_INSUFFICIENT", "AUTHINFO_UNAVAIL", "USER_UNKNOWN", "MAXTRIES", "NEW_AUTHTOK_REQD", "ACCT_EXPIRED",
         "SESSION_ERR", "CRED_UNAVAIL", "CRED_EXPIRED", "CRED_ERR", "NO_MODULE_DATA", "CONV_ERR", "AUTHTOK_ERR",
         "AUTHTOK_RECOVERY_ERR", "AUTHTOK_LOCK_BUSY", "AUTHTOK_DISABLE_AGING", "TRY_AGAIN", "IGNORE", "ABORT",
         "AUTHTOK_EXPIRED", "MODULE_UNKNOWN", "BAD_ITEM", "CONV_AGAIN", "INCOMPLETE"]
SUCCESS, CONV_ERR, CONV_AGAIN = 0, 19, 30
USER, TTY, RHOST = 2, 3, 4
SILENT, PRELIM_CHECK, UPDATE_AUTHTOK = 0x8000, 0x4000, 0x2000
ESTABLISH, DELETE, REINITIALIZE, REFRESH = 2, 4, 8, 16
ECHO_OFF, ECHO_ON, ERROR_MSG, TEXT_INFO = 1, 2, 3, 4


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


CONV = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                        ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("conv", CONV), ("data", ctypes.c_void_p)]


def write_service(folder, name, *lines):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{name}", "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))


def write_bare_service(folder, name):
    """Our module alone: what it returns is what the application gets. libpam has no answer
    for a stack where everybody said ignore, so behind it stands pam_debug with a value that
    nobody else uses."""
    write_service(
        folder, name,
        *(f"{phase} [success=done ignore=ignore default=die] pam_rollcall.so" for phase in
          ("auth", "account", "session", "password")),
        "auth required pam_debug.so auth=bad_item cred=bad_item", "account required pam_debug.so acct=bad_item",
        "session required pam_debug.so open_session=bad_item close_session=bad_item",
        "password required pam_debug.so prechauthtok=bad_item chauthtok=bad_item")


def name_of(code):
    return "IGNORE" if CODES[code] == "BAD_ITEM" else CODES[code]


class Application:
    """One handle. `answer` is asked with (style, text) for every prompt: a text, None for no
    answer at all, or a number, the conversation's own return value."""

    def __init__(self, service, user, answer=None, folder=None, null_conversation=False, **items):
        self.answer = answer or (lambda style, text: CONV_ERR)
        self.said = []  # (style, text)
        self.handle = ctypes.c_void_p()
        self.call = CONV(self._converse)  # as long as the handle lives
        self.conv = Conversation(CONV(0) if null_conversation else self.call, None)
        name = None if user is None else user if isinstance(user, bytes) else user.encode()
        r = LIBPAM.pam_start_confdir(service.encode(), name, ctypes.byref(self.conv),
                                     folder.encode() if folder else None, ctypes.byref(self.handle))
        assert r == SUCCESS, f"pam_start: {CODES[r]}"
        self.last = SUCCESS
        for item, value in {TTY: items.get("tty"), RHOST: items.get("rhost")}.items():
            if value is not None:
                self.set(item, value)

    def _converse(self, n, messages, responses, _):
        # PAM wants an array that it can free, and texts that it can free.
        array = LIBC.calloc(n, ctypes.sizeof(Response))
        out = ctypes.cast(array, ctypes.POINTER(Response))
        for i in range(n):
            style, text = messages[i].contents.style, messages[i].contents.text.decode(errors="replace")
            self.said.append((style, text))
            if style not in (ECHO_ON, ECHO_OFF):
                continue
            got = self.answer(style, text)
            if isinstance(got, int):
                LIBC.free(ctypes.c_void_p(array))
                return got
            if got is not None:
                out[i].text = LIBC.strdup(got if isinstance(got, bytes) else got.encode())
        responses[0] = array
        return SUCCESS

    def set(self, item, value):
        r = LIBPAM.pam_set_item(self.handle, item, None if value is None else value.encode())
        assert r == SUCCESS, CODES[r]

    def get(self, item):
        value = ctypes.c_char_p()
        r = LIBPAM.pam_get_item(self.handle, item, ctypes.byref(value))
        return value.value.decode() if r == SUCCESS and value.value else None

    def _did(self, code):
        self.last = code
        return name_of(code)

    def authenticate(self, flags=0):
        return self._did(LIBPAM.pam_authenticate(self.handle, flags))

    def account(self, flags=0):
        return self._did(LIBPAM.pam_acct_mgmt(self.handle, flags))

    def setcred(self, flags=ESTABLISH):
        return self._did(LIBPAM.pam_setcred(self.handle, flags))

    def open_session(self, flags=0):
        return self._did(LIBPAM.pam_open_session(self.handle, flags))

    def close_session(self, flags=0):
        return self._did(LIBPAM.pam_close_session(self.handle, flags))

    def change(self, flags):
        """One pass of the password phase. libpam comes to the second only after a first that
        succeeded, so the module is called by itself."""
        return self._did(ctypes.CDLL(MODULE).pam_sm_chauthtok(self.handle, flags, 0, None))

    def prompts(self):
        return [text for style, text in self.said if style in (ECHO_ON, ECHO_OFF)]

    def end(self):
        LIBPAM.pam_end(self.handle, self.last)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Child:
    """Runs `work` in a process of its own, as a user of its own (effective and real), and hands back
    what it returns."""

    def __init__(self, work, uid=0):
        mine, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(mine)
                if uid:
                    os.setgroups([])
                    os.setresgid(uid, uid, uid)
                    os.setresuid(uid, uid, uid)
                    # As after the exec of a program that is not set-uid.
                    LIBC.prctl(4, 1, 0, 0, 0)
                with os.fdopen(theirs, "w") as f:
                    json.dump(work(), f)
                status = 0
            finally:
                os._exit(status)
        os.close(theirs)
        self.pipe = os.fdopen(mine)

    def result(self):
        """What `work` returned; ("ended by signal", N) where it did not live to."""
        text = self.pipe.read()
        self.pipe.close()
        status = os.waitpid(self.pid, 0)[1]
        if os.WIFSIGNALED(status):
            return ["ended by signal", os.WTERMSIG(status)]
        assert status == 0, "a child failed; its trace stands above"
        return json.loads(text)


def run_as(uid, work):
    return Child(work, uid).result()
