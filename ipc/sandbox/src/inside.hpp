// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "confine.hpp"
#include "root.hpp"
#include "stage.hpp"
#include "wire.hpp"

#include <symphony/sandbox/runner.hpp>

#include <linux/filter.h>
#include <vector>

/// What happens between fork and the plugin. Each function runs in the new process and does not return.
namespace symphony::sandbox {

/// Everything that a new process needs to know. It inherits it with its memory; what it is to become is sent to one that waits,
/// whose pointers are the launcher's own.
struct Box {
    std::uint32_t active = 0;  ///< Layer bits that are to be put on: one that fails ends the process
    bool notify = false;
    int setup = -1, image = -1, control = -1, output = -1;
    int trap = -1;  ///< write end for denied calls, when there is no notification
    bool wait_for_go = false;  ///< the runner waits until the launcher has looked at it
    bool jit = false;
    ResourceLimits limits;
    char library_name[256] = {};
    char title[256] = {};
    char short_name[16] = {};
    TitleSpace title_space;
    const RootContents* root = nullptr;
    std::vector<sock_filter>* filter = nullptr;
    const std::vector<sock_filter>* init_filter = nullptr;
    const sock_fprog* second = nullptr;
    RunnerMain main = nullptr;
    pid_t launcher = -1;
};

/// The message `use`; descriptors: image, control, output, and the trap where there is one.
struct Use {
    wire::Head head{wire::Kind::use, sizeof(Use)};
    Box box;
};

/// Process 1 of new namespaces: waits for `go`, enters its root, waits for `use`, makes the runner, reaps, tells how it ended.
[[noreturn]] void run_init(Box& box);
/// The runner without namespaces, a child of the launcher: waits for `go`.
[[noreturn]] void run_alone(Box& box);

} // namespace symphony::sandbox
