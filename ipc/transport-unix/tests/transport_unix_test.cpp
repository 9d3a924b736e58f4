// SPDX-License-Identifier: Apache-2.0
#include "../src/unix_driver.hpp"

#include "contract.hpp"

namespace symphony::transport::testing {
namespace {

struct UnixSetup {
    static constexpr bool many = true, knows_peer = true;
    static Status add(FakeHost& host, const char* name, const TempFolder&, const Value& config) { return host.add<TransportUnix>(name, config); }
    static Address address(const TempFolder& folder) { return {"unix", (folder.path() / "run" / "s").string(), {}}; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Unix, TransportContract, UnixSetup);

} // namespace
} // namespace symphony::transport::testing
