// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnumerableCredential} from "./EnumerableCredential.sol";

/// @notice The credential NFT of today: the login right and nothing about time.
contract CredentialNft is EnumerableCredential("Credential", "CRED") {
    event CredentialMinted(uint256 indexed tokenId, address indexed recipient);

    function mint(address to, bytes calldata userEncrypted) external onlyOwner returns (uint256 tokenId) {
        tokenId = _mintNext(to, userEncrypted);
        emit CredentialMinted(tokenId, to);
    }
}
