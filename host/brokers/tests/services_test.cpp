// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <symphony/brokers/services.hpp>
#include <symphony/net.hpp>
#include <symphony/secrets.hpp>

using namespace symphony;
using namespace symphony::brokers;
using namespace symphony::brokers::test;

namespace {

const PluginServices& services_of(void* ctx) { return *static_cast<const PluginServices*>(ctx); }
using Tables = ServiceTables<&services_of>;

std::string reason_of(symphony_status status, const symphony_error& error) {
    return status < 0 ? std::string(from_c(error, status).reason()) : std::string();
}

} // namespace

TEST(Services, GiveAPluginItsStreamsThroughTheSdk) {
    Server server(&echo);
    Rig rig;
    rig.grant("network:a.test:" + std::to_string(server.port));
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    PluginServices services{rig.broker.get(), rig.client, nullptr, nullptr};
    const Net net(&Tables::net, &services);
    auto stream = net.connect("a.test", server.port);
    ASSERT_TRUE(stream) << stream.error().message();
    EXPECT_TRUE(stream->write("hello"));
    EXPECT_TRUE(stream->finish_writing());
    std::array<std::uint8_t, 16> answer{};
    const auto read = stream->read(answer);
    ASSERT_TRUE(read);
    EXPECT_EQ(text_of(Bytes(answer).first(*read)), "hello");
    EXPECT_EQ(*stream->read(answer), 0U);
    EXPECT_EQ(net.connect("b.test", server.port).error().reason(), "not-granted");
    EXPECT_EQ(net.connect("a.test", server.port, 0, 1).error().code(), Code::deadline) << "the beginning of time has passed";
    EXPECT_EQ(Net(nullptr, nullptr).connect("a.test", 80).error().reason(), "host-too-old");
}

TEST(Services, TellAPluginThatItsStreamWasCut) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    PluginServices services{rig.broker.get(), rig.client, nullptr, nullptr};
    const auto stream = Net(&Tables::net, &services).connect("a.test", server.port);
    ASSERT_TRUE(stream);
    rig.broker->revoke(*rig.client);
    const Status written = stream->write("x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().reason(), "stream-cut");
    EXPECT_FALSE(written.error().hint().empty());
}

TEST(Services, GiveAPluginItsSecretsThroughTheSdk) {
    manifests::EffectiveConfig config;
    config.settings = {{"api_key", manifests::Data("sk-1"), "file", true}};
    PluginServices services;
    services.secrets = std::make_unique<brokers::Secrets>("fetch", config);
    const symphony::Secrets secrets(&Tables::secrets, &services);
    EXPECT_EQ(secrets.get("api_key")->text(), "sk-1");
    EXPECT_EQ(secrets.get("other").error().reason(), "no-such-secret");
    std::int32_t fd = -1;
    ASSERT_EQ(Tables::secrets.open(&services, to_c("api_key"), &fd, nullptr), SYMPHONY_OK);
    EXPECT_EQ(read_sealed(fd)->text(), "sk-1");
}

TEST(Services, RefuseWhatIsNotThere) {
    PluginServices none;
    symphony_error error{};
    error.struct_size = sizeof error;
    std::int32_t fd = -1;
    symphony_buf out{};
    EXPECT_EQ(reason_of(Tables::net.connect(&none, to_c("a.test"), 80, 0, 0, &fd, &error), error), "service-not-granted");
    EXPECT_EQ(reason_of(Tables::secrets.get(&none, to_c("k"), &out, &error), error), "service-not-granted");
    EXPECT_EQ(reason_of(Tables::secrets.open(&none, to_c("k"), &fd, &error), error), "service-not-granted");
    EXPECT_EQ(reason_of(Tables::models.list(&none, &out, &error), error), "service-not-granted");
    EXPECT_EQ(reason_of(Tables::models.open(&none, to_c("m"), to_c("f"), &fd, &error), error), "service-not-granted");
    none.models = std::make_unique<Models>("plugin \"infer\"", nullptr);
    EXPECT_EQ(reason_of(Tables::models.open(&none, to_c("m"), to_c("f"), &fd, &error), error), "no-pool");
    EXPECT_EQ(Tables::models.list(&none, &out, &error), SYMPHONY_OK);
    EXPECT_EQ(Value::unchecked(Buffer::adopt(out)).size(), 0U);
    EXPECT_EQ(reason_of(Tables::models.list(&none, nullptr, &error), error), "invalid-argument");
    EXPECT_EQ(fd, -1);
}
