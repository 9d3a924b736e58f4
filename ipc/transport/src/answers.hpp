// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/connection.hpp>

namespace symphony::transport {

class Connection::Answers {
public:
    explicit Answers(Hub& hub) : hub_(hub) {}
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    ~Answers() {
        for (auto& [call, status] : list_) {
            hub_.waits_no_more(call.id());
            call.answer(status);
        }
    }
    void add(Completion<void>&& call, Status status) { list_.emplace_back(std::move(call), std::move(status)); }

private:
    Hub& hub_;
    std::vector<std::pair<Completion<void>, Status>> list_;
};

} // namespace symphony::transport
