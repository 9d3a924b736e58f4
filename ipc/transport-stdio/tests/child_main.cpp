// SPDX-License-Identifier: Apache-2.0
// The program at the other end of the tests' pipes. Its first argument says what it does.
#include "../src/stdio_driver.hpp"

#include "storm.hpp"

#include <fcntl.h>

namespace {

using namespace symphony;
using namespace symphony::transport;
using namespace symphony::transport::testing;

/// Sends back what comes, until the other side has finished.
int echo(const TransportClient& client, std::uint64_t connection) {
    std::printf("printed by mistake\n"); // must not get into the frames
    std::fflush(stdout);
    for (;;) {
        const auto some = receive(client, connection, 8, true);
        for (const auto& content : some.frames) {
            if (!client.send(connection, text(content), true)) return 1;
        }
        if (some.error) return 1;
        if (!some.end) continue;
        if (!client.finish(connection)) return 1;
        static_cast<void>(receive(client, connection)); // until it is over
        return 0;
    }
}

int storm(const TransportClient& client, const char* path) {
    const int fd = ::open(path, O_RDWR | O_CLOEXEC);
    void* const memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return 2;
    read_storm(client, {"stdio", "", {}}, *static_cast<Tally*>(memory));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "garbage") return ::write(STDOUT_FILENO, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28 ? 0 : 1;
    if (mode == "silent") ::pause();
    if (mode == "loud") {
        const std::string line(99, 'e');
        for (int i = 0; i < 20'000; ++i) std::fprintf(stderr, "%s\n", line.c_str());
    }
    if (mode == "variable") std::fprintf(stderr, "it is %s\n", std::getenv("SYMPHONY_TEST_VARIABLE"));
    FakeHost host;
    if (!host.add<TransportStdio>("stdio")) return 2;
    const auto client = *TransportClient::acquire(host.host(), "stdio");
    if (mode == "storm") return storm(client, argv[2]);
    Listening listening(client, {"stdio", "", {}});
    const std::uint64_t connection = listening.accepted();
    if (client.listen({"stdio", "", {}}, {}).error().reason() != "address-in-use") return 3;
    const int result = echo(client, connection);
    if (mode == "stays") ::pause();
    return result;
}
