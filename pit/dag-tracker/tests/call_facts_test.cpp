// SPDX-License-Identifier: Apache-2.0
#include "call_facts.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace symphony::tracker::test {
namespace {

Value map_of(const std::vector<std::pair<std::string, int>>& entries) {
    ValueBuilder out;
    out.map(entries.size());
    for (const auto& [key, number] : entries) out.add(key, number);
    return out.end().build();
}

Provider provider() {
    Provider made;
    made.id = "org.test.text";
    made.name = "text";
    made.version = "1.4.0";
    made.sha256 = std::string(64, 'a');
    made.abi = "1.0";
    made.permissions = std::string(64, 'b');
    made.configuration = {{"deep", "0011"}, {"wide", "2233"}};
    made.operations = {{"count", {}, {}, true}};
    return made;
}

CallFacts facts(const Provider& of, const Value& base) { return StepFacts(of, &of.operations[0], of.operations[0].name, base).single(); }

TEST(CallFacts, TheOrderOfKeysAndTheWidthOfNumbersDoNotCount) {
    EXPECT_EQ(digest_of(map_of({{"a", 1}, {"b", 2}, {"c", 3}})), digest_of(map_of({{"c", 3}, {"a", 1}, {"b", 2}})));
    const std::uint8_t short_one[] = {0x91, 0x01};
    const std::uint8_t wide_one[] = {0xDD, 0, 0, 0, 1, 0xCF, 0, 0, 0, 0, 0, 0, 0, 1};
    EXPECT_EQ(digest_of(ValueView(Bytes(short_one))), digest_of(ValueView(Bytes(wide_one))));
    const std::uint8_t single[] = {0xCA, 0x3F, 0, 0, 0};
    const std::uint8_t twice[] = {0xCB, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(digest_of(ValueView(Bytes(single))), digest_of(ValueView(Bytes(twice))));
}

TEST(CallFacts, DifferentValuesHaveDifferentDigests) {
    ValueBuilder b;
    const std::vector<Value> all = {
        Value(), b.boolean(false).build(), b.boolean(true).build(), b.integer(0).build(), b.integer(1).build(), b.integer(-1).build(), b.number(1.0).build(),
        b.number(0.0).build(), b.unsigned_integer(~std::uint64_t{0}).build(), b.text("").build(), b.text("1").build(), b.bytes({}).build(), b.bytes(bytes_of("1")).build(),
        b.list().end().build(), b.list().text("a").text("b").end().build(), b.list().text("ab").end().build(), b.list().text("b").text("a").end().build(),
        b.list().list().end().text("a").end().build(), b.list().list().text("a").end().end().build(), b.map().end().build(), b.map().add("a", 1).end().build(),
        b.map().key("a").list().integer(1).end().end().build(), b.map().add("a", 1).add("b", 1).end().build()};
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(digest_of(all[i]) == digest_of(all[j]), i == j) << i << " and " << j;
    }
}

TEST(CallFacts, ALargeTextIsHashedAsASmallOneIs) {
    // The buffer of the hash is 4,096 bytes, and pieces above 1,024 go around it.
    std::mt19937 random(20261127);
    for (const std::size_t size : {1000u, 1023u, 1024u, 1025u, 4000u, 4096u, 9000u}) {
        std::string text(size, 'x');
        const auto list = [&] {
            ValueBuilder out;
            out.list();
            for (int i = 0; i < 5; ++i) out.text(text).integer(i);
            return out.end().build();
        };
        const Digest before = digest_of(list());
        EXPECT_EQ(before, digest_of(list()));
        text[random() % size] ^= 1;
        EXPECT_NE(before, digest_of(list())) << size;
    }
}

TEST(CallFacts, EveryPartThatChangesIsNamed) {
    const Value base = map_of({{"top", 3}, {"size", 4}});
    const CallFacts was = facts(provider(), base);
    EXPECT_EQ(was.key, facts(provider(), map_of({{"size", 4}, {"top", 3}})).key);
    EXPECT_FALSE(first_difference(was.parts, was.parts));
    const auto changed = [&](const std::function<void(Provider&)>& change, const Value& given) {
        Provider now = provider();
        change(now);
        const CallFacts is = facts(now, given);
        EXPECT_NE(is.key, was.key);
        const auto difference = first_difference(was.parts, is.parts);
        return difference ? words_of(*difference) : std::string("none");
    };
    const auto same = [](Provider&) {};
    EXPECT_EQ(changed([](Provider& p) { p.id = "org.other"; }, base), "plugin (org.other, was org.test.text)");
    EXPECT_EQ(changed([](Provider& p) { p.operations[0].name = "match"; }, base), "operation (match, was count)");
    EXPECT_EQ(changed([](Provider& p) { p.version = "1.5.0", p.sha256 = "c"; }, base), "version (1.5.0, was 1.4.0)");
    EXPECT_EQ(changed([](Provider& p) { p.sha256[0] = 'c'; }, base), "library of the plugin: another build");
    EXPECT_EQ(changed([](Provider& p) { p.abi = "1.1"; }, base), "abi (1.1, was 1.0)");
    EXPECT_EQ(changed([](Provider& p) { p.operations[0].pure = false; }, base), "purity (not pure, was pure)");
    EXPECT_EQ(changed([](Provider& p) { p.permissions = "d"; }, base), "permissions that the plugin asks for");
    EXPECT_EQ(changed([](Provider& p) { p.configuration[1].second = "9"; }, base), "configuration \"wide\"");
    EXPECT_EQ(changed([](Provider& p) { p.configuration.pop_back(); }, base), "configuration \"wide\" (it is not there any more)");
    EXPECT_EQ(changed(same, map_of({{"top", 4}, {"size", 4}})), "input \"top\"");
    EXPECT_EQ(changed(same, map_of({{"top", 3}, {"size", 4}, {"by", 1}})), "input \"by\" (it is new)");
    EXPECT_EQ(changed(same, map_of({{"top", 3}})), "input \"size\" (it is not there any more)");
}

TEST(CallFacts, AnElementIsAnInputLikeAnyOther) {
    const Provider text = provider();
    ValueBuilder b;
    const Value item = b.integer(3).build();
    const StepFacts step(text, &text.operations[0], "count", map_of({{"size", 4}}));
    for (const std::string port : {"a", "top", "z"}) {
        const auto whole = facts(text, map_of({{"size", 4}, {port, 3}}));
        EXPECT_EQ(step.element(port, digest_of(item)).key, whole.key) << port;
    }
    EXPECT_EQ(inputs_of(step.element("top", digest_of(item)).parts).size(), 2u);
}

TEST(CallFacts, WhatMakesNoSenseIsAnotherForm) {
    const auto was = facts(provider(), map_of({}));
    ValueBuilder b;
    for (const Value& bad : {Value(), b.list().end().build(), b.text("x").build(), b.list().integer(1).end().build()}) {
        EXPECT_TRUE(first_difference(bad, was.parts));
    }
}

TEST(Sha256, IsThatOfTheStandard) {
    EXPECT_EQ(hex_of(sha256(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest_of_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), sha256(bytes_of("abc")));
    EXPECT_FALSE(digest_of_hex("ba"));
    EXPECT_FALSE(digest_of_hex(std::string(64, 'g')));
}

} // namespace
} // namespace symphony::tracker::test
