// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/host_name.hpp>

#include <gtest/gtest.h>

#include <arpa/inet.h>

namespace symphony::manifests {
namespace {

using namespace std::string_view_literals;

/// The canonical text, or "[reason]".
std::string canonical(std::string_view text) {
    const auto host = HostName::parse(text);
    return host ? host->text() : "[" + std::string(host.error().reason()) + "]";
}

struct Case {
    std::string_view text;
    std::string_view canonical;
};

void expect_all(std::initializer_list<Case> cases) {
    for (const Case& one : cases) EXPECT_EQ(canonical(one.text), one.canonical) << testing::PrintToString(std::string(one.text));
}

} // namespace

TEST(HostName, HasOneFormForEachName) {
    expect_all({
        {"api.example.com", "api.example.com"}, {"API.Example.COM", "api.example.com"}, {"api.example.com.", "api.example.com"},
        {"localhost", "localhost"},             {"LOCALHOST.", "localhost"},            {"my_host.test", "my_host.test"},
        {"3com.com", "3com.com"},               {"1and1.example", "1and1.example"},     {"a-b.c--d", "a-b.c--d"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},                             {"0xg.example", "0xg.example"},
        {"1.2.3.4.example", "1.2.3.4.example"}, {"0x7f.example", "0x7f.example"},
    });
    EXPECT_EQ(canonical(std::string(63, 'a') + ".b"), std::string(63, 'a') + ".b");
}

TEST(HostName, RefusesWhatTwoProgramsMightReadDifferently) {
    expect_all({
        {"", "[bad-host]"}, {".", "[bad-host]"}, {"..", "[bad-host]"}, {"api.example.com..", "[bad-host]"}, {".example.com", "[bad-host]"},
        {"a..b", "[bad-host]"}, {"good.test\0.evil.org"sv, "[bad-host]"}, {"\0"sv, "[bad-host]"}, {"good.test%00.evil.org", "[bad-host]"},
        {"good.test%2eevil.org", "[bad-host]"}, {"user@good.test", "[bad-host]"}, {"user:pass@good.test", "[bad-host]"}, {"good.test:443", "[bad-host]"},
        {"https://good.test", "[bad-host]"}, {"good.test/", "[bad-host]"}, {"good.test\\@evil.org", "[bad-host]"}, {"good.test#x", "[bad-host]"},
        {"good.test?x", "[bad-host]"}, {" good.test", "[bad-host]"}, {"good.test ", "[bad-host]"}, {"good\ttest", "[bad-host]"}, {"good.test\r\n", "[bad-host]"},
        {"good\x7ftest", "[bad-host]"}, {"g\xd0\xbeod.test", "[bad-host]"} /* Cyrillic o */, {"b\xc3\xbc" "cher.example", "[bad-host]"},
        {"good\xe3\x80\x82test", "[bad-host]"} /* ideographic full stop */, {"good\xef\xbc\x8etest", "[bad-host]"}, {"\xef\xbc\x91.2.3.4", "[bad-host]"},
        {"good\xc2\xadtest", "[bad-host]"} /* soft hyphen */, {"good.test\xff", "[bad-host]"}, {"*.good.test", "[bad-host]"}, {"*", "[bad-host]"},
        {"-good.test", "[bad-host]"}, {"good-.test", "[bad-host]"}, {"good,test", "[bad-host]"}, {"good;test", "[bad-host]"}, {"good'test", "[bad-host]"},
        {"[good.test]", "[bad-host]"}, {"[127.0.0.1]", "[bad-host]"}, {"[::1", "[bad-host]"}, {"::1]", "[bad-host]"}, {"[::1]:80", "[bad-host]"}, {"[]", "[bad-host]"},
        {"[::1].", "[bad-host]"}, {"[[::1]]", "[bad-host]"}, {"fe80::1%eth0", "[bad-host]"}, {"[fe80::1%25eth0]", "[bad-host]"}, {"1:2:3:4:5:6:7", "[bad-host]"},
        {"1:2:3:4:5:6:7:8:9", "[bad-host]"}, {"1::2::3", "[bad-host]"}, {":::", "[bad-host]"}, {":1", "[bad-host]"}, {"1:", "[bad-host]"}, {"12345::", "[bad-host]"},
        {"::g", "[bad-host]"}, {"::1.2.3", "[bad-host]"}, {"::1.2.3.256", "[bad-host]"}, {"::01.2.3.4", "[bad-host]"}, {"1:2:3:4:5:6:7::8", "[bad-host]"},
        {"1:2:3:4:5:6:7:1.2.3.4", "[bad-host]"}, {"::1.2.3.4:5", "[bad-host]"},
    });
    EXPECT_EQ(canonical(std::string(64, 'a') + ".b"), "[bad-host]");
    std::string longest;
    while (longest.size() < 252) longest += "a.";
    EXPECT_EQ(canonical(longest + "a"), longest + "a");
    EXPECT_EQ(canonical(longest + "ab"), "[bad-host]");
}

TEST(HostName, TakesNoNumberForAName) {
    expect_all({
        {"127.0.0.1", "127.0.0.1"}, {"127.0.0.1.", "127.0.0.1"}, {"255.255.255.255", "255.255.255.255"}, {"0.0.0.0", "0.0.0.0"},
        {"2130706433", "[numeric-host]"}, {"0x7f000001", "[numeric-host]"}, {"0X7F000001", "[numeric-host]"}, {"017700000001", "[numeric-host]"},
        {"0x7f.1", "[numeric-host]"}, {"127.1", "[numeric-host]"}, {"127.0.1", "[numeric-host]"}, {"0177.0.0.1", "[numeric-host]"}, {"127.0.0.01", "[numeric-host]"},
        {"127.0.0.0x1", "[numeric-host]"}, {"0x7f.0x0.0x0.0x1", "[numeric-host]"}, {"256.0.0.1", "[numeric-host]"}, {"1.2.3.4.5", "[numeric-host]"}, {"0", "[numeric-host]"},
        {"0x", "[numeric-host]"}, {"1", "[numeric-host]"}, {"evil.org.1", "[numeric-host]"}, {"evil.org.0x7f", "[numeric-host]"}, {"00000.0.0.0", "[numeric-host]"},
        {"4294967296", "[numeric-host]"}, {"127.0.0.1.0x", "[numeric-host]"},
    });
    EXPECT_TRUE(HostName::parse("127.0.0.1.")->address());
    EXPECT_FALSE(HostName::parse("127.0.0.1.example")->address());
}

TEST(HostName, HasOneFormForEachAddress) {
    expect_all({
        {"::1", "::1"}, {"[::1]", "::1"}, {"0:0:0:0:0:0:0:1", "::1"}, {"0000:0000:0000:0000:0000:0000:0000:0001", "::1"}, {"::", "::"},
        {"2001:DB8::1", "2001:db8::1"}, {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, {"1::", "1::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"}, {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"}, {"0:0:1:0:0:0:1:0", "0:0:1::1:0"},
        {"::ffff:127.0.0.1", "127.0.0.1"}, {"[::FFFF:7f00:1]", "127.0.0.1"}, {"::127.0.0.1", "::7f00:1"}, {"64:ff9b::10.0.0.1", "64:ff9b::a00:1"},
    });
    // Whatever is read is what the C library reads.
    for (const char* text : {"::1", "1::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "fe80::aBcD", "1::8", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "a:b::c:d"}) {
        std::array<std::uint8_t, 16> bytes{};
        ASSERT_EQ(::inet_pton(AF_INET6, text, bytes.data()), 1) << text;
        const auto address = IpAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->bytes(), bytes) << text;
        char again[INET6_ADDRSTRLEN];
        ASSERT_EQ(::inet_pton(AF_INET6, address->text().c_str(), bytes.data()), 1) << address->text();
        EXPECT_EQ(address->bytes(), bytes);
        EXPECT_NE(::inet_ntop(AF_INET6, bytes.data(), again, sizeof again), nullptr);
    }
}

TEST(HostName, HasWholeLabelsInFrontOfASuffix) {
    const auto beneath = [](std::string_view name, std::string_view suffix) { return HostName::parse(name)->is_beneath(suffix); };
    EXPECT_TRUE(beneath("api.example.com", "example.com"));
    EXPECT_TRUE(beneath("a.b.example.com", "example.com"));
    EXPECT_FALSE(beneath("example.com", "example.com"));
    EXPECT_FALSE(beneath("evil-example.com", "example.com"));
    EXPECT_FALSE(beneath("evilexample.com", "example.com"));
    EXPECT_FALSE(beneath("example.com.evil.org", "example.com"));
    EXPECT_FALSE(beneath("10.0.0.1", "0.0.1")) << "an address has no labels";
    EXPECT_FALSE(beneath("example.com", ""));
}

TEST(IpAddress, KnowsWhatIsNotThePublicInternet) {
    const struct { const char* text; std::string_view range; } cases[] = {
        {"8.8.8.8", ""}, {"1.1.1.1", ""}, {"172.15.0.1", ""}, {"172.32.0.1", ""}, {"100.63.255.255", ""}, {"100.128.0.0", ""}, {"198.17.255.255", ""}, {"198.20.0.0", ""},
        {"223.255.255.255", ""}, {"126.255.255.255", ""}, {"128.0.0.0", ""}, {"2606:4700::1111", ""}, {"2001:200::1", ""}, {"64:ff9b::8.8.8.8", ""}, {"2002:808:808::1", ""},
        {"127.0.0.1", "loopback"}, {"10.255.255.255", "private"}, {"172.16.0.0", "private"}, {"192.168.255.255", "private"}, {"169.254.0.1", "link-local"},
        {"169.254.169.254", "cloud metadata"}, {"100.64.0.0", "shared (carrier NAT)"}, {"0.0.0.0", "unspecified"}, {"0.0.0.1", "this network"},
        {"255.255.255.255", "broadcast"}, {"240.0.0.1", "reserved"}, {"224.0.0.1", "multicast"}, {"192.0.2.7", "documentation"}, {"198.19.0.1", "benchmarking"},
        {"::", "unspecified"}, {"::1", "loopback"}, {"::ffff:10.0.0.1", "private"}, {"::7f00:1", "IPv4-compatible"}, {"fe80::1", "link-local"}, {"febf::1", "link-local"},
        {"fd12::1", "unique-local"}, {"fd00:ec2::254", "cloud metadata"}, {"ff02::1", "multicast"}, {"2001:db8::1", "documentation"}, {"2001::1", "Teredo"},
        {"2001:1::1", "protocol assignments"}, {"64:ff9b::127.0.0.1", "loopback"}, {"64:ff9b:1::1", "local NAT64"}, {"2002:a00:1::1", "private"},
        {"2606::5efe:192.168.0.1", "private"}, {"4000::1", "reserved"}, {"100::1", "discard"}, {"fec0::1", "site-local"},
    };
    for (const auto& one : cases) EXPECT_EQ(IpAddress::parse(one.text)->special_range(), one.range) << one.text;
}

} // namespace symphony::manifests
