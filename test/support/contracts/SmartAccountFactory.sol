// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {SmartAccount} from "./SmartAccount.sol";

/// Makes {SmartAccount}s at addresses that are known before (CREATE2): what ERC-6492 signatures need.
contract SmartAccountFactory {
    event Deployed(address indexed account, address indexed owner);

    /// May be called again: an ERC-6492 payment deploys its wallet only if nobody did so before.
    function deploy(address owner, bytes32 salt) external returns (address account) {
        account = addressOf(owner, salt);
        if (account.code.length > 0) return account;
        new SmartAccount{salt: salt}(owner);
        emit Deployed(account, owner);
    }

    function addressOf(address owner, bytes32 salt) public view returns (address) {
        bytes32 initCodeHash = keccak256(abi.encodePacked(type(SmartAccount).creationCode, abi.encode(owner)));
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, initCodeHash));
        return address(uint160(uint256(hash)));
    }
}
