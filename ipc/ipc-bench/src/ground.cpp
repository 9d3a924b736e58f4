// SPDX-License-Identifier: Apache-2.0
#include "ground.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace symphony::ipc_bench {

Result<std::unique_ptr<Ground>> Ground::make(Host host, CancelToken cancel) {
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) {
        return Error(Code::unsupported, "isolated", "this program cannot be found, so that none like it can be started: " + failed.message(),
                     "let ipc-bench run in process: it has to be trusted, and neither --isolate-all nor --isolate may name it");
    }
    std::string folder = (std::filesystem::temp_directory_path(failed) / "symphony-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return Error(Code::io, "cannot make a folder like \"" + folder + "\": " + std::strerror(errno), "set TMPDIR to a folder in which you may write");
    return std::unique_ptr<Ground>(new Ground(host, std::move(cancel), program.string(), std::move(folder)));
}

Ground::~Ground() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string Ground::new_path() { return folder_ + "/" + std::to_string(++paths_); }

Result<ports::TransportClient> Ground::transport(std::string_view scheme) const { return ports::TransportClient::acquire(host_, "transport-" + std::string(scheme)); }

ports::Address Other::address(const Ground& ground, const std::vector<std::string>& words) {
    ports::Address out{"stdio", "", {{"command", ground.program()}}};
    for (const auto& word : words) out.options.emplace(std::to_string(out.options.size()), word);
    return out;
}

Result<Other> Other::start(const Ground& ground, const std::vector<std::string>& words) {
    auto transport = SYMPHONY_TRY(ground.transport("stdio"));
    CallOptions<> options;
    options.deadline_ns = ground.deadline_ns();
    options.cancel = ground.cancel();
    const auto accepted = SYMPHONY_TRY(transport.connect(address(ground, words), {}, options));
    return Other(std::move(transport), accepted.connection);
}

Other::~Other() {
    if (transport_ != nullptr) end();
}

Status Other::ready(const Ground& ground) {
    std::string said;
    CallOptions<ports::Frame> options;
    options.deadline_ns = ground.deadline_ns();
    options.cancel = ground.cancel();
    options.on_part = [&](const ports::Frame& frame) { said = frame.content.text(); };
    SYMPHONY_TRY(transport_->receive(connection_, 1, 0, false, options));
    if (said != "ready") return Error(Code::io, "other-process", "the process at the other end says: " + said);
    return {};
}

} // namespace symphony::ipc_bench
