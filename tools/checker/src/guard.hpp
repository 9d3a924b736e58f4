// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace symphony::checker {

/// A copy of some bytes in pages of its own that ends right before a page which faults. Gone with the object.
class Guarded {
public:
    /// @param align  The copy begins at a multiple of it, so up to align - 1 bytes may lie between its end and the guard.
    Guarded(const void* bytes, std::size_t size, std::size_t align = 1);
    Guarded(Guarded&& other) noexcept;
    Guarded& operator=(Guarded&&) = delete;
    ~Guarded();

    void* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }
    /// Who writes faults.
    void protect() noexcept;
    /// Who touches it faults.
    void poison() noexcept;

private:
    void* memory_ = nullptr;
    std::size_t mapped_ = 0;
    void* data_ = nullptr;
    std::size_t size_;
};

} // namespace symphony::checker
