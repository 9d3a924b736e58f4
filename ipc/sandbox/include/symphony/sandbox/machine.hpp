// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::sandbox {

/// How well a plugin is confined. Each grade names what it lacks; a higher one is a stronger one.
enum class Grade : std::uint8_t {
    none,           ///< G0: nothing
    limits,         ///< G1: limits only; files or system calls are not confined
    no_landlock,    ///< G2: namespaces and seccomp, but no Landlock
    no_namespaces,  ///< G3: Landlock and seccomp, but no namespaces of its own
    full,           ///< G4: every layer
};

/// "G3".
std::string_view name_of(Grade grade) noexcept;
/// "Landlock, seccomp and limits, but no namespaces of its own".
std::string_view describe(Grade grade) noexcept;

/// The layers, as bits for Spec::layers_off. Their order is the order of application.
enum Layer : std::uint32_t {
    layer_hygiene = 1u << 0,     ///< L0: descriptors, environment, session, standard streams
    layer_namespaces = 1u << 1,  ///< L1: user, mount, pid, net, ipc, uts, cgroup; private root without procfs
    layer_identity = 1u << 2,    ///< L2: uid and gid, capabilities, no_new_privs
    layer_landlock = 1u << 3,    ///< L3
    layer_seccomp = 1u << 4,     ///< L4: allow-list of system calls
    layer_memory = 1u << 5,      ///< L4: no executable memory after loading
    layer_limits = 1u << 6,      ///< L5: memory, processor, threads, files
};
inline constexpr std::uint32_t layers_all = (1u << 7) - 1;

/// "namespaces", as in SYMPHONY_SANDBOX_OFF=namespaces,landlock of the ablation runner; "" for no single layer.
std::string_view name_of(Layer layer) noexcept;

struct LayerState {
    std::string name;     ///< "L1 namespaces"
    bool active = false;
    std::string detail;   ///< when active: what of it, such as "Landlock ABI 7"
    std::string why_not;  ///< when not active, and when active in a weaker form
    std::string remedy;   ///< plain words or a command; "" = none is needed
};

/// What this machine can do for the user who asks.
struct Machine {
    std::vector<LayerState> layers;  ///< L0 to L5, one or two each
    Grade grade = Grade::none;       ///< which a plugin would get
    std::string limits_backend;      ///< "cgroup v2", "cgroup v1", "cgroup v1 with v2 kill", "rlimits and watcher"

    /// Tries each layer in a child process that ends at once; about 3 ms. [any]
    static Machine probe();
};

} // namespace symphony::sandbox
