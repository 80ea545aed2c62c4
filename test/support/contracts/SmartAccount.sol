// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {Ecdsa} from "./Ecdsa.sol";

/// A wallet that is a contract: one owner, who signs for it (EIP-1271) and makes it call others.
///
/// A signature is either the owner's 65 bytes, or `abi.encode(uint256 ownerIndex, bytes ownerSignature)` as wallets
/// with several owners make them: whoever checks payments must not count on 65 bytes.
contract SmartAccount {
    address public immutable owner;

    error NotOwner();
    error CallFailed(bytes answer);

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {}

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bytes memory ownerSignature = signature;
        if (signature.length != 65) {
            (, ownerSignature) = abi.decode(signature, (uint256, bytes));
        }
        return Ecdsa.recover(hash, ownerSignature) == owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function execute(address to, uint256 value, bytes calldata data) external payable returns (bytes memory) {
        if (msg.sender != owner) revert NotOwner();
        (bool success, bytes memory answer) = to.call{value: value}(data);
        if (!success) revert CallFailed(answer);
        return answer;
    }
}
