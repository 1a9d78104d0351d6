// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @notice A subscription NFT after ERC-5643. An expiration of 0 in the event means cancelled.
contract Erc5643Nft is ERC721("Subscription", "SUB"), Ownable(msg.sender) {
    event SubscriptionUpdate(uint256 indexed tokenId, uint64 expiration);

    uint256 private _nextTokenId;
    mapping(uint256 => uint64) private _expiresAt;

    function mint(address to, uint64 duration) external onlyOwner returns (uint256 tokenId) {
        tokenId = _nextTokenId++;
        _safeMint(to, tokenId);
        _set(tokenId, uint64(block.timestamp) + duration);
    }

    function renewSubscription(uint256 tokenId, uint64 duration) external payable {
        _requireOwned(tokenId);
        uint64 current = _expiresAt[tokenId];
        _set(tokenId, (current > block.timestamp ? current : uint64(block.timestamp)) + duration);
    }

    function cancelSubscription(uint256 tokenId) external payable {
        _checkAuthorized(_ownerOf(tokenId), msg.sender, tokenId);
        _set(tokenId, 0);
    }

    function expiresAt(uint256 tokenId) external view returns (uint64) {
        _requireOwned(tokenId);
        return _expiresAt[tokenId];
    }

    function isRenewable(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// @dev 0x8c65f84d is ERC-5643's interface id.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == 0x8c65f84d || super.supportsInterface(interfaceId);
    }

    function _set(uint256 tokenId, uint64 expiration) private {
        _expiresAt[tokenId] = expiration;
        emit SubscriptionUpdate(tokenId, expiration);
    }
}
