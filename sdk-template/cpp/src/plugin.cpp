// SPDX-License-Identifier: Apache-2.0
#include "word_mask.hpp"

#include <symphony/plugin.hpp>
#include <symphony/ports/operator.hpp>

#include <string>
#include <string_view>
#include <vector>

class WordMask final : public symphony::ports::Operator {
public:
    explicit WordMask(symphony::Host host) : mask_(host.config()["mask"].as_text("[redacted]")) {}

    symphony::Result<symphony::Value> apply(symphony::Call&, std::string_view operation, const symphony::Value& input) override {
        if (operation != "mask") {
            return symphony::Error(symphony::Code::not_found, "unknown-operation", "no operation \"" + std::string(operation) + "\"");
        }
        const std::string_view text = SYMPHONY_TRY(symphony::need_text(input, "text"));
        const symphony::ValueView list = SYMPHONY_TRY(symphony::need(input, "words", symphony::Kind::list));
        std::vector<std::string_view> words;
        for (const symphony::ValueView word : list.items()) {
            words.push_back(word.as_text());
        }
        const word_mask::Masked done = word_mask::mask_words(text, words, mask_);
        return symphony::ValueBuilder().map().add("text", done.text).add("hits", done.hits).end().build();
    }

private:
    std::string mask_;
};

// Concurrent, because apply() changes no member.
SYMPHONY_PLUGIN_WITH(WordMask, SYMPHONY_INSTANCE_CONCURRENT)
