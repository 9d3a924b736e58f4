// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace symphony::packaging {

/// SHA-256 over bytes that come in pieces (decision 0006). For one thread.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(const Sha256&) = delete;
    Sha256& operator=(const Sha256&) = delete;
    void add(std::string_view bytes);
    /// 64 lower-case hexadecimal digits of all that was added; then it begins again.
    std::string end();

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

std::string sha256_of(std::string_view bytes);
/// 32 lower-case hexadecimal digits, for lists whose readers know nothing better (dpkg). It finds accidents, and protects from nobody.
/// @return `unsupported`, reason "no-md5", where the machine's OpenSSL forbids it.
Result<std::string> md5_of(std::string_view bytes);
/// Whether it is 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text) noexcept;

} // namespace symphony::packaging
