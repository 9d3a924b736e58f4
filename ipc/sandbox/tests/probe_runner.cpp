// SPDX-License-Identifier: Apache-2.0
#include <symphony/sandbox/runner.hpp>

#include <dlfcn.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace {

/// Maps the probe and lets it answer one message after the other, until the test closes its end.
int run_probe(const symphony::sandbox::Confined& confined) {
    const auto say = [&](const std::string& text) { ::send(confined.control_fd, text.data(), text.size(), MSG_NOSIGNAL); };
    void* const library = ::dlopen(confined.library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        say(std::string("dlopen: ") + ::dlerror());
        return 3;
    }
    using Probe = int (*)(int, const char*, char*, std::size_t);
    const auto probe = reinterpret_cast<Probe>(::dlsym(library, "probe"));
    if (probe == nullptr || !confined.loaded()) return 4;
    say("ready " + confined.library);
    static char request[4096], answer[65536];
    for (;;) {
        const ssize_t n = ::recv(confined.control_fd, request, sizeof request - 1, 0);
        if (n <= 0) return 0;
        request[n] = '\0';
        answer[0] = '\0';
        if (const int status = probe(confined.control_fd, request, answer, sizeof answer); status >= 0) return status;
        say(answer[0] != '\0' ? answer : "-");
    }
}

} // namespace

int main(int, char** argv) { return symphony::sandbox::run_launcher({.main = &run_probe, .obey_layers_off = true, .argv = argv}); }
