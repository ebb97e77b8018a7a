// SPDX-License-Identifier: BSD-2-Clause
// Out of a caller's cgroup.
#ifndef ROLLCALL_CGROUP_H
#define ROLLCALL_CGROUP_H

// For root's programs that somebody's su starts: that one may own the cgroup that it stands in,
// and who owns one freezes and kills all in it, root's processes too. Into the topmost one; what
// stands in a service's stays there. Where it cannot, all stays as it is.
void rollcall_leave_cgroup(void);

#endif
