// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {EnumerableCredential} from "./EnumerableCredential.sol";

/// @notice The older credential NFT, which carries its own expiry (0 = never).
contract LegacyCredentialNft is EnumerableCredential("Access Credential", "ACCESS") {
    struct Access {
        string decryptMessage;
        uint256 issuedAt;
        uint256 expiresAt;
    }

    event CredentialMinted(uint256 indexed tokenId, address indexed recipient, uint256 issuedAt, uint256 expiresAt);

    mapping(uint256 => Access) private _access;

    /// @dev The unnamed strings are description, image and page of the token; nothing here shows them.
    function mint(
        address to,
        bytes calldata userEncrypted,
        string calldata decryptMessage,
        string calldata,
        string calldata,
        string calldata,
        uint256 expiresAt
    ) external onlyOwner returns (uint256 tokenId) {
        tokenId = _mintNext(to, userEncrypted);
        _access[tokenId] = Access(decryptMessage, block.timestamp, expiresAt);
        emit CredentialMinted(tokenId, to, block.timestamp, expiresAt);
    }

    function updateExpiration(uint256 tokenId, uint256 expiresAt) external onlyOwner {
        _requireOwned(tokenId);
        _access[tokenId].expiresAt = expiresAt;
        emit CredentialUpdated(tokenId);
    }

    function getAccessData(uint256 tokenId)
        external
        view
        returns (bytes memory userEncrypted, string memory decryptMessage, uint256 issuedAt, uint256 expiresAt)
    {
        Access storage access = _access[tokenId];
        return (getUserEncrypted(tokenId), access.decryptMessage, access.issuedAt, access.expiresAt);
    }
}
