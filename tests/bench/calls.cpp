// SPDX-License-Identifier: Apache-2.0
// Calls between two plugins in one process, through host and ports, beside a virtual call.
// --plugins DIR: where bench-caller and bench-callee were built.
#include "bench.hpp"

#include "plugin_source.hpp"

#include <symphony/ports/operator.hpp>

namespace {

namespace host = symphony::host;

symphony::Result<symphony::Value> measure(const std::string& plugins_folder, std::int64_t rounds) {
    const auto catalog = host::Catalog::open({{plugins_folder, host::Origin::flag}}, "");
    const auto resolution = host::resolve(catalog);
    const host::Plugins plugins(catalog, resolution);
    host::RuntimeOptions options;
    options.placement.in_process_all = true; // what is measured are calls in one process
    host::Runtime runtime = SYMPHONY_TRY(host::Runtime::create(plugins, std::move(options)));
    const host::PortHandle port = SYMPHONY_TRY(runtime.acquire("operator/1", "bench-caller"));
    symphony::WireWriter record;
    symphony::detail::write_fields(record, std::string_view("measure"), symphony::ValueBuilder().map().key("rounds").integer(rounds).end().build());
    const host::Reply reply = SYMPHONY_TRY(runtime.call(port, 1, {record.buffers(), record.buffer_count()}));
    std::vector<symphony_buf> parts;
    for (const auto& buffer : reply) parts.push_back(buffer.to_c());
    symphony::WireReader reader(parts.data(), static_cast<std::uint32_t>(parts.size()), symphony::WireKeep::own);
    symphony::Value out;
    symphony::detail::read_fields(reader, out);
    reader.finish();
    SYMPHONY_TRY(reader.status());
    return out;
}

} // namespace

int main(int argc, char** argv) {
    std::string plugins = SYMPHONY_BENCH_PLUGINS;
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) == "--plugins") plugins = argv[i + 1];
    }
    const auto answer = measure(plugins, 51);
    if (!answer) {
        std::fprintf(stderr, "error: %s\n", answer.error().message().c_str());
        return 1;
    }
    const auto samples = [&](std::string_view name) {
        std::vector<double> out;
        const auto list = (*answer)["samples"][name];
        for (std::size_t i = 0; i < list.size(); ++i) out.push_back(list.at(i).as_double());
        return out;
    };
    symphony::bench::Report report("calls", argc, argv);
    report.add("typed method, 64-byte record", "ns", samples("typed"), "virtual call", samples("direct"), "<= 150 ns");
    report.add("operator, 64-byte value, zero-copy view", "ns", samples("view"), "typed method", samples("typed"), "<= 250 ns");
    report.add("operator, 64-byte value, through nlohmann", "ns", samples("json"), "zero-copy view", samples("view"), "");
    report.add("operator, 1 MiB value", "ns", samples("large"), "64-byte value", samples("view"), "ratio about 1: no copy");
    return report.write();
}
