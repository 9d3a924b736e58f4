// SPDX-License-Identifier: Apache-2.0
#include "support/allocations.hpp"

#include <gtest/gtest.h>

#include <future>
#include <new>
#include <string>
#include <thread>
#include <vector>

using namespace symphony::test_support;

TEST(AllocationFault, FailsTheOneThatIsNamed) {
    AllocationFault fault(3);
    int made = 0;
    try {
        for (; made < 10; ++made) ::operator delete(::operator new(16)); // called by name, so never left out by the compiler
        ADD_FAILURE() << "nothing failed";
    } catch (const std::bad_alloc&) {
        fault.heal();
    }
    EXPECT_EQ(made, 2);
    EXPECT_TRUE(fault.fired());
}

TEST(AllocationFault, FailsOnceOrFromThereOn) {
    for (const bool sticky : {false, true}) {
        void* first = nullptr;
        void* second = nullptr;
        bool fired = false;
        {
            AllocationFault fault(1, sticky);
            first = ::operator new(100, std::nothrow);
            second = ::operator new(100, std::nothrow);
            fired = fault.fired();
        }
        EXPECT_TRUE(fired);
        EXPECT_EQ(first, nullptr);
        EXPECT_EQ(second == nullptr, sticky);
        ::operator delete(second);
    }
}

TEST(AllocationFault, LeavesOtherThreadsAlone) {
    std::promise<void> go;
    bool good = false;
    std::thread other([&, begin = go.get_future()] {
        begin.wait();
        void* memory = ::operator new(16, std::nothrow);
        good = memory != nullptr;
        ::operator delete(memory);
    });
    {
        AllocationFault fault(1, true);
        go.set_value();
        other.join();
        EXPECT_FALSE(fault.fired());
    }
    EXPECT_TRUE(good);
}

TEST(AllocationFault, FindsAFunctionThatIsNotWholeOrNothing) {
    // Planted: the count is raised before the allocation that may fail.
    struct Careless {
        std::vector<std::string> names;
        std::size_t count = 0;
        void add(const std::string& name) {
            ++count;
            names.push_back(name);
        }
    };
    bool found = false;
    for (std::uint64_t at = 1; at < 10; ++at) {
        Careless careless;
        const std::string name(100, 'n');
        AllocationFault fault(at);
        try {
            careless.add(name);
        } catch (const std::bad_alloc&) {
        }
        fault.heal();
        found = found || careless.count != careless.names.size();
        if (!fault.fired()) break;
    }
    EXPECT_TRUE(found);
}
