// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

import {TestUsdc} from "./TestUsdc.sol";

/// Keeps 5 % of every transfer: the transaction succeeds, and the payee still gets less than the authorization says.
contract FeeToken is TestUsdc {
    address public constant COLLECTOR = address(0xFEE);

    function _transfer(address from, address to, uint256 value) internal override {
        uint256 fee = value / 20;
        super._transfer(from, COLLECTOR, fee);
        super._transfer(from, to, value - fee);
    }
}

/// Does not revert on a used nonce: the transaction succeeds and moves nothing, as PYUSD's does.
contract SilentToken is TestUsdc {
    event AuthorizationAlreadyUsed(address indexed authorizer, bytes32 indexed nonce);

    function _useAuthorization(bytes32 typeHash, Authorization memory auth, bytes memory signature) internal override {
        if (authorizationState[auth.from][auth.nonce]) {
            emit AuthorizationAlreadyUsed(auth.from, auth.nonce);
            return;
        }
        super._useAuthorization(typeHash, auth, signature);
    }
}
