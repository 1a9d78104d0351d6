// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";

/// @notice What both credential contracts have in common: an enumerable NFT whose owner mints, ids from 0.
abstract contract EnumerableCredential is ERC721Enumerable, Ownable {
    event CredentialUpdated(uint256 indexed tokenId);

    uint256 private _nextTokenId;
    mapping(uint256 => bytes) private _userEncrypted;

    constructor(string memory name_, string memory symbol_) ERC721(name_, symbol_) Ownable(msg.sender) {}

    function getUserEncrypted(uint256 tokenId) public view returns (bytes memory) {
        _requireOwned(tokenId);
        return _userEncrypted[tokenId];
    }

    function updateUserEncrypted(uint256 tokenId, bytes calldata userEncrypted) external onlyOwner {
        _requireOwned(tokenId);
        _userEncrypted[tokenId] = userEncrypted;
        emit CredentialUpdated(tokenId);
    }

    function _mintNext(address to, bytes calldata userEncrypted) internal returns (uint256 tokenId) {
        tokenId = _nextTokenId++;
        _userEncrypted[tokenId] = userEncrypted;
        _safeMint(to, tokenId);
    }
}
