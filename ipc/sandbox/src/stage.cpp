// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

namespace symphony::sandbox {

std::string_view name_of(Stage stage) noexcept {
    switch (stage) {
    case Stage::none: return "nothing";
    case Stage::make_process: return "making a process with its own namespaces";
    case Stage::map_identity: return "mapping its user";
    case Stage::standard_streams: return "setting its standard streams";
    case Stage::new_session: return "starting its session";
    case Stage::descriptors: return "closing inherited descriptors";
    case Stage::take_identity: return "taking its own user";
    case Stage::host_name: return "taking a host name of its own";
    case Stage::private_mounts: return "making its mounts private";
    case Stage::root_folder: return "making its root folder";
    case Stage::system_folders: return "binding the system's folders read-only";
    case Stage::own_libraries: return "binding the distribution's libraries read-only";
    case Stage::devices: return "binding its devices";
    case Stage::system_files: return "copying the system's files";
    case Stage::library_copy: return "copying its library";
    case Stage::root_read_only: return "making its root read-only";
    case Stage::enter_root: return "entering its root";
    case Stage::make_runner: return "making the runner's process";
    case Stage::resource_limits: return "setting its resource limits";
    case Stage::capabilities: return "dropping capabilities";
    case Stage::no_new_privileges: return "giving up new privileges";
    case Stage::parent_death: return "tying its life to the launcher's";
    case Stage::landlock: return "switching Landlock on";
    case Stage::seccomp: return "loading the system call filter";
    case Stage::hand_over: return "handing its descriptors over";
    case Stage::lock_init: return "locking its first process down";
    case Stage::cgroup: return "putting it into its control group";
    }
    return "an unknown step";
}

} // namespace symphony::sandbox
