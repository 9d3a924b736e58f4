// SPDX-License-Identifier: Apache-2.0
#include <symphony/abi/plugin.h>
#include <symphony/ipc/channel.hpp>
#include <symphony/ipc/serve.hpp>
#include <symphony/sandbox/runner.hpp>

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>

namespace {

using symphony::sandbox::Confined;

constexpr int status_usage = 2;
constexpr int status_code_not_forbidden = 72;

/// Libraries that open more code on first use get it now: afterwards nothing executable is mapped.
void open_late_libraries() {
    constexpr struct {
        const char* when;
        const char* then;
    } late[] = {{"libtbb.so.12", "libtbbmalloc.so.2"}, {"libc.so.6", "libgcc_s.so.1"}};
    for (const auto& [when, then] : late) {
        if (void* const library = ::dlopen(when, RTLD_LAZY | RTLD_NOLOAD); library != nullptr) {
            ::dlopen(then, RTLD_NOW | RTLD_LOCAL);
            ::dlclose(library);
        }
    }
    ::dlerror();
}

symphony::ipc::Loaded map_library(const Confined& confined) {
    symphony::ipc::Loaded loaded;
    ::dlerror();
    void* const library = ::dlopen(confined.library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const text = ::dlerror();
        loaded.load_error = text != nullptr ? text : "the library cannot be mapped";
        return loaded;
    }
    loaded.entry = reinterpret_cast<symphony_plugin_entry>(::dlsym(library, SYMPHONY_ENTRY_NAME));
    return loaded;
}

/// In the confined process.
int run_plugin(const Confined& confined) {
    // First, because a library's constructors run while it is mapped, and could take the memory files and write code into them.
    symphony::ipc::ChannelEnd end(confined.control_fd);
    if (!end.take_memory()) return symphony::ipc::serve_broken;
    symphony::ipc::Loaded loaded = map_library(confined);
    open_late_libraries();
    if (!confined.loaded()) {
        std::fputs("symphony-runner: new code cannot be forbidden after loading\n", stderr);
        return status_code_not_forbidden;
    }
    return symphony::ipc::serve(std::move(end), std::move(loaded));
}

bool has_host() {
    struct stat info{};
    return ::fstat(symphony::sandbox::launcher_socket, &info) == 0 && S_ISSOCK(info.st_mode);
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view word = argc == 2 ? argv[1] : "";
    if (word == "--version") {
        std::puts("symphony-runner " SYMPHONY_VERSION);
        return 0;
    }
    if (word == "--help") {
        std::puts("symphony-runner runs plugins of symphony that are not trusted, each in a sandboxed process of its own.\n"
                  "symphony starts it; by hand there is nothing to do with it. See: symphony doctor\n\n"
                  "usage: symphony-runner --help | --version");
        return 0;
    }
    if (word != "--launcher" || !has_host()) {
        std::fputs("error: symphony-runner is started by symphony, to run plugins in a sandbox; it does nothing by hand\n"
                   "hint: symphony-runner --help\n", stderr);
        return status_usage;
    }
#ifdef SYMPHONY_SANDBOX_ABLATION
    constexpr bool obey_layers_off = true;
#else
    constexpr bool obey_layers_off = false;
#endif
    return symphony::sandbox::run_launcher({.main = &run_plugin, .obey_layers_off = obey_layers_off, .argv = argv});
}
